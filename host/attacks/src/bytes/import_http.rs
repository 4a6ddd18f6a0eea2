//! Imports HTTP, which must be granted.

use wasmill_sandbox::limits::Limits;

use super::base::importing;

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    importing(["wasmill:plugin/http@0.1.0"])
}
