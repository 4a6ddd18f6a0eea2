//! Returns a row of one key over and over, five bytes each: a parser may need many times as much for each.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::Payload;

pub fn lie(extracted: Extracted, order: &Order) -> Extracted {
    let text = format!("[{{{}\"value\":1}}]", "\"\":0,".repeat(order.size(1 << 20)));
    Extracted { rows: 1, values: Payload::Json(text), ..extracted }
}
