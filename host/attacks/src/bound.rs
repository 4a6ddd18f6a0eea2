//! The most by which an attack may make the host grow: a formula of the limits.
//!
//! ```text
//!   memory + 12 × output_bytes + 8 × log_bytes + 96 MiB
//! ```
//!
//! `memory` is what the guest has for itself. What a call returns is held up to twelve times over while it is checked: as it
//! was lifted, as what it is parsed into (a token of JSON takes eight bytes where it may have been one), as Arrow arrays, and as
//! text made printable, of which a character takes six. The rest is there for every plugin: its code, its stack, handles, and
//! the memory that a pool keeps.

use wasmill_sandbox::limits::Limits;

const OUTPUT_FACTOR: u64 = 12;
const LOG_FACTOR: u64 = 8;
const FIXED_BYTES: u64 = 96 << 20;

/// The bound under these limits.
pub fn host_memory(limits: &Limits) -> u64 {
    limits
        .memory
        .saturating_add(limits.output_bytes.saturating_mul(OUTPUT_FACTOR))
        .saturating_add(limits.log_bytes.saturating_mul(LOG_FACTOR))
        .saturating_add(FIXED_BYTES)
}
