//! Returns something else than JSON.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted) -> Extracted {
    let text = "<rows/>\u{0}\u{1b}[2J".to_owned();
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
