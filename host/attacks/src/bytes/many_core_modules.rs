//! Is made of a hundred thousand core modules.

use wasm_encoder::{ComponentSection as _, Module, ModuleSection};
use wasmill_sandbox::limits::Limits;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut component = honest.to_vec();
    for _ in 0..100_000 {
        ModuleSection(&Module::new()).append_to_component(&mut component);
    }
    component
}
