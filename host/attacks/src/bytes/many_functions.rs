//! Has a million functions, as many as are valid.

use wasm_encoder::Function;
use wasmill_sandbox::limits::Limits;

use super::base::{of_functions, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut body = Function::new([]);
    body.instructions().end();
    with_instance(honest, &of_functions(std::iter::repeat_n(body, 900_000)))
}
