//! Traps as soon as it is instantiated.

use wasm_encoder::Function;
use wasmill_sandbox::limits::Limits;

use super::base::{starting, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut body = Function::new([]);
    body.instructions().unreachable().end();
    with_instance(honest, &starting(body, None, None))
}
