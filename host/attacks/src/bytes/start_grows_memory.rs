//! Grows a memory of its own without end as soon as it is instantiated.

use wasm_encoder::{BlockType, Function};
use wasmill_sandbox::limits::Limits;

use super::base::{memory, starting, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut body = Function::new([]);
    body.instructions()
        .loop_(BlockType::Empty)
        .i32_const(16)
        .memory_grow(0)
        .drop()
        .br(0)
        .end()
        .end();
    with_instance(honest, &starting(body, Some(memory(1)), None))
}
