//! Gives a receipt for more rows than there are.

use wasmill_plugin_sdk::bindings::load::Receipt;

pub fn lie(receipt: Receipt) -> Receipt {
    Receipt { rows: u64::MAX, ..receipt }
}
