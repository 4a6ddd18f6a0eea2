//! Holds a component that holds a component, and so on, ten thousand deep.

use wasm_encoder::{ComponentSection as _, RawSection};
use wasmill_sandbox::limits::Limits;

use super::base::PREAMBLE;

/// The section that holds a component.
const COMPONENT: u8 = 4;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut nested = PREAMBLE.to_vec();
    for _ in 0..10_000 {
        let mut around = PREAMBLE.to_vec();
        RawSection { id: COMPONENT, data: &nested }.append_to_component(&mut around);
        nested = around;
    }
    let mut component = honest.to_vec();
    RawSection { id: COMPONENT, data: &nested }.append_to_component(&mut component);
    component
}
