//! Returns rows of an input at the end, when the input is gone.

use wasmill_plugin_sdk::bindings::transform::{NewValues, Output, Selection};

pub fn lie() -> Vec<Output> {
    vec![Output { rows: Selection::All, values: NewValues::Columns(Vec::new()) }]
}
