//! Carries sections in which tools look for names, versions and debug information, all of garbage.

use std::borrow::Cow;

use wasm_encoder::{ComponentSection as _, CustomSection, Module};
use wasmill_sandbox::limits::Limits;

use super::base::with_instance;

const NAMES: [&str; 7] = [
    "name",
    "component-name",
    "producers",
    "target_features",
    ".debug_info",
    ".debug_line",
    "component-type:transformer",
];
/// Lengths beyond the end, no UTF-8, and the beginning of what could be all kinds of things.
const GARBAGE: [u8; 16] =
    [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xc3, 0x28, 0, 9, 0xff, 0xfe, 0x80, 0x80, 0x80, 0x80];

fn sections() -> impl Iterator<Item = CustomSection<'static>> {
    NAMES.into_iter().map(|name| CustomSection {
        name: Cow::Borrowed(name),
        data: Cow::Owned(GARBAGE.repeat(1_000)),
    })
}

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let mut module = Module::new();
    for section in sections() {
        module.section(&section);
    }
    let mut component = with_instance(honest, &module);
    for section in sections() {
        section.append_to_component(&mut component);
    }
    component
}
