//! Has one function of seven mebibytes, just below what is a valid size, of values that all live to its end.

use wasm_encoder::{Function, ValType};
use wasmill_sandbox::limits::Limits;

use super::base::{of_functions, with_instance};

/// Bytes of the body; ten a turn.
const BODY_BYTES: usize = 7 << 20;
const LOCALS: u32 = 1_000;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut body = Function::new([(LOCALS, ValType::I64)]);
    for turn in 0..BODY_BYTES as u32 / 10 {
        let (left, right) = (turn % LOCALS, turn.wrapping_mul(7_919) % LOCALS);
        body.instructions().local_get(left).local_get(right).i64_mul().local_set(right);
    }
    body.instructions().end();
    with_instance(honest, &of_functions([body]))
}
