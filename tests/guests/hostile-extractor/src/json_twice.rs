//! Returns a row that has the same key a hundred thousand times.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted) -> Extracted {
    let text = format!("[{{{}\"value\":1}}]", "\"value\":1,".repeat(100_000));
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
