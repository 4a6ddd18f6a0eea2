//! Returns a great many records that are none.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::{BadRecord, Extracted};

pub fn lie(mut extracted: Extracted, order: &Order) -> Extracted {
    let record = |_| BadRecord {
        position: String::new(),
        raw: Vec::new(),
        rule: String::new(),
        message: String::new(),
    };
    extracted.bad_records = (0..order.size(1_000_000)).map(record).collect();
    extracted
}
