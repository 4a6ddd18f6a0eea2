//! Is a transformer and a validator at once.

use wasmill_sandbox::limits::Limits;

use super::base::{TRANSFORMER, exporting};

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    exporting([TRANSFORMER, "wasmill:plugin/validate@0.1.0"])
}
