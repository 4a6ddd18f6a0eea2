//! Is made of a thousand core instances.

use wasm_encoder::Module;
use wasmill_sandbox::limits::Limits;

use super::base::with_instances;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    with_instances(honest, &Module::new(), 1_000)
}
