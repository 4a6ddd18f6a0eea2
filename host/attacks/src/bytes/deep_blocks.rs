//! Has a function of a million blocks within each other.

use wasm_encoder::{BlockType, Function};
use wasmill_sandbox::limits::Limits;

use super::base::{of_functions, with_instance};

const DEPTH: usize = 1_000_000;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut body = Function::new([]);
    for _ in 0..DEPTH {
        body.instructions().block(BlockType::Empty);
    }
    for _ in 0..=DEPTH {
        body.instructions().end();
    }
    with_instance(honest, &of_functions([body]))
}
