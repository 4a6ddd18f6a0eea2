//! Has a section that says to be four gigabytes long.

use wasmill_sandbox::limits::Limits;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut component = honest.to_vec();
    component.extend([0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    component
}
