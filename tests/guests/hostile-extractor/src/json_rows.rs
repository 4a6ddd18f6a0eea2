//! Returns a great many empty rows, three bytes each, where a few are expected.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted, order: &Order) -> Extracted {
    let text = format!("[{}{{}}]", "{},".repeat(order.size(1 << 20)));
    Extracted { values: Payload::Json(text), ..extracted }
}
