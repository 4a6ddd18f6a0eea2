//! Gives a receipt for fewer rows than were staged, none: rows would be lost without a word.

use wasmill_plugin_sdk::bindings::load::Receipt;

pub fn lie(receipt: Receipt) -> Receipt {
    Receipt { rows: 0, ..receipt }
}
