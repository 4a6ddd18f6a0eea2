//! Describes its configuration by JSON that is no schema.

use wasmill_plugin_sdk::bindings::types::Descriptor;

pub fn lie(descriptor: Descriptor) -> Descriptor {
    Descriptor { config_schema: "[true]".to_owned(), ..descriptor }
}
