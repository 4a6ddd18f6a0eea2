//! Has more memories than a component may have, an instance of its own for each.

use wasmill_sandbox::limits::Limits;

use super::base::{of_memory, with_instances};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    with_instances(honest, &of_memory(1), 40)
}
