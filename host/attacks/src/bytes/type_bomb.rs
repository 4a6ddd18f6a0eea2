//! Declares types of two of the one before, forty times over: written out, they would take a terabyte.

use wasm_encoder::{
    ComponentSection as _, ComponentTypeSection, ComponentValType, PrimitiveValType,
};
use wasmill_sandbox::limits::Limits;

use super::base::exporting;

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut types = ComponentTypeSection::new();
    types.defined_type().primitive(PrimitiveValType::U64);
    for before in 0..40 {
        types.defined_type().tuple([ComponentValType::Type(before); 2]);
    }
    let mut component = exporting([super::base::TRANSFORMER]);
    types.append_to_component(&mut component);
    component
}
