//! Imports an interface that nobody has.

use wasmill_sandbox::limits::Limits;

use super::base::importing;

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    importing(["evil:host/everything@1.0.0"])
}
