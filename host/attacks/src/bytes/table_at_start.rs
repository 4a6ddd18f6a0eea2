//! Wants a table of four billion elements from the start.

use wasm_encoder::{Module, TableSection};
use wasmill_sandbox::limits::Limits;

use super::base::{table, with_instance};

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut tables = TableSection::new();
    tables.table(table(u64::from(u32::MAX)));
    let mut module = Module::new();
    module.section(&tables);
    with_instance(honest, &module)
}
