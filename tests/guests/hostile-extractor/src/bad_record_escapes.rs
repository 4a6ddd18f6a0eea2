//! Returns a record that could not be read, in words that take over a terminal.

use wasmill_plugin_sdk::bindings::extract::{BadRecord, Extracted};

pub fn lie(mut extracted: Extracted) -> Extracted {
    let text = "\u{1b}[2J\u{7}\u{202e}".repeat(100_000);
    extracted.bad_records.push(BadRecord {
        position: text.clone(),
        raw: vec![0xff; 1_000],
        rule: text.clone(),
        message: text,
    });
    extracted
}
