//! Describes its configuration by JSON that is nested so deep that a parser may run out of stack.

use wasmill_plugin_sdk::bindings::types::Descriptor;

const DEPTH: usize = 40_000;

pub fn lie(descriptor: Descriptor) -> Descriptor {
    let config_schema = format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH));
    Descriptor { config_schema, ..descriptor }
}
