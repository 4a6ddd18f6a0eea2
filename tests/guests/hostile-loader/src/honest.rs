//! What the plugin does without an attack: it counts rows, and keeps none of them.

use wasmill_plugin_sdk::bindings::load::Binding;
use wasmill_plugin_sdk::bindings::types::{Encoding, Finding};

pub fn binding() -> Binding {
    Binding { reads: vec![0], encoding: Encoding::Columns }
}

/// A refusal of these rows.
pub fn finding(rows: Vec<u32>) -> Finding {
    Finding { rows, rule: "made-up".to_owned(), column: None, message: "not so".to_owned() }
}
