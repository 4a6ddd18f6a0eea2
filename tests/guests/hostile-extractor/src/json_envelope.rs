//! Returns JSON that closes what the host puts around it, and opens it again.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted) -> Extracted {
    let text = "[{\"value\":1}],\"rows\":[{\"value\":2}]".to_owned();
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
