//! Has more tables than a component may have.

use wasm_encoder::{Module, TableSection};
use wasmill_sandbox::limits::Limits;

use super::base::{table, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut tables = TableSection::new();
    for _ in 0..90 {
        tables.table(table(1));
    }
    let mut module = Module::new();
    module.section(&tables);
    with_instance(honest, &module)
}
