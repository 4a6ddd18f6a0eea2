//! Returns a row of a hundred thousand keys that were not declared.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted) -> Extracted {
    let keys: Vec<String> = (0..100_000).map(|key| format!("\"k{key}\":1")).collect();
    let text = format!("[{{{}}}]", keys.join(","));
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
