//! Wants a memory larger than the limit from the start.

use wasmill_sandbox::limits::Limits;

use super::base::{of_memory, with_instance};

const PAGE_BYTES: u64 = 64 << 10;
/// There are no larger memories.
const MOST_PAGES: u64 = 1 << 16;

pub fn component(honest: &[u8], limits: &Limits) -> Vec<u8> {
    let pages = (limits.memory / PAGE_BYTES + 1).min(MOST_PAGES);
    with_instance(honest, &of_memory(pages))
}
