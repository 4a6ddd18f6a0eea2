//! Returns numbers that no column can hold.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted) -> Extracted {
    let row = "{\"value\":1e999999999,\"text\":\"\\ud800\"}";
    let text = format!("[{row}]");
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
