//! Grows a table without end as soon as it is instantiated: elements of a table are memory of the host.

use wasm_encoder::{BlockType, Function, HeapType};
use wasmill_sandbox::limits::Limits;

use super::base::{starting, table, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut body = Function::new([]);
    body.instructions()
        .loop_(BlockType::Empty)
        .ref_null(HeapType::FUNC)
        .i32_const(10_000)
        .table_grow(0)
        .drop()
        .br(0)
        .end()
        .end();
    with_instance(honest, &starting(body, None, Some(table(1))))
}
