//! Has thousands of functions of few bytes that each have fifty thousand variables.

use wasm_encoder::{Function, ValType};
use wasmill_sandbox::limits::Limits;

use super::base::{of_functions, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut body = Function::new([(50_000, ValType::I64)]);
    body.instructions().end();
    with_instance(honest, &of_functions(std::iter::repeat_n(body, 20_000)))
}
