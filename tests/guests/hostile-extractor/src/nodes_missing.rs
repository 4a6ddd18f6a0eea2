//! Returns no column where two were declared.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted) -> Extracted {
    Extracted { values: Payload::Columns(Vec::new()), ..extracted }
}
