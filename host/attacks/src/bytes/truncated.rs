//! Is the first half of a component.

use wasmill_sandbox::limits::Limits;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    honest[..honest.len() / 2].to_vec()
}
