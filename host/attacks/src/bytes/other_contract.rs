//! Speaks a version of the contract that does not exist yet.

use wasmill_sandbox::limits::Limits;

use super::base::exporting;

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    exporting(["wasmill:plugin/transform@99.0.0"])
}
