//! Returns one value that is a list of as many numbers as fit, two bytes each, where a number was declared.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted, order: &Order) -> Extracted {
    let text = format!("[{{\"value\":[{}0]}}]", "0,".repeat(order.size(1 << 20)));
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
