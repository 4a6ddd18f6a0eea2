//! Is a byte larger than a component may be.

use wasmill_sandbox::engine::MAX_COMPONENT_BYTES;
use wasmill_sandbox::limits::Limits;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut component = honest.to_vec();
    component.resize(MAX_COMPONENT_BYTES + 1, 0);
    component
}
