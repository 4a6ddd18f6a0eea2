//! Returns JSON that is nested so deep that a parser may run out of stack.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted) -> Extracted {
    let text = format!("{}{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
