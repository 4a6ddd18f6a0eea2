//! Describes its configuration by something else than JSON.

use wasmill_plugin_sdk::bindings::types::Descriptor;

pub fn lie(descriptor: Descriptor) -> Descriptor {
    Descriptor { config_schema: "<schema/>\u{0}".to_owned(), ..descriptor }
}
