//! Exports the interface of a transformer, without a function in it.

use wasmill_sandbox::limits::Limits;

use super::base::{TRANSFORMER, exporting};

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    exporting([TRANSFORMER])
}
