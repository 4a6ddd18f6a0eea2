//! Returns JSON, although columns were announced.

use wasmill_plugin_sdk::bindings::transform::{NewValues, Output, Processed, Selection};

pub fn lie() -> Processed {
    let output = Output { rows: Selection::All, values: NewValues::Json("[]".to_owned()) };
    Processed { outputs: vec![output], bad_rows: Vec::new() }
}
