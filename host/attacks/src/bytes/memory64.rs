//! Has a memory of 64-bit addresses, of sixteen exbibytes.

use wasm_encoder::{MemorySection, MemoryType, Module};
use wasmill_sandbox::limits::Limits;

use super::base::{memory, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { memory64: true, ..memory(1 << 48) });
    let mut module = Module::new();
    module.section(&memories);
    with_instance(honest, &module)
}
