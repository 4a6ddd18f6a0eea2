//! Announces JSON and four thousand columns, and returns as many empty objects as there may be rows: three bytes
//! each, of which the host makes four thousand nulls.

use wasmill_plugin_sdk::bindings::transform::{Binding, NewValues, Output, Processed, Selection};
use wasmill_plugin_sdk::bindings::types::{Batch, Encoding};

use crate::honest::new;

/// The host's limit is a little above.
const COLUMNS: usize = 4_000;
/// The host's default limit of output rows per input row.
const ROWS_PER_ROW: usize = 1_000;

pub fn bind(mut binding: Binding) -> Binding {
    binding.encoding = Encoding::Json;
    binding.output = (0..COLUMNS).map(|column| new(&format!("column {column}"))).collect();
    binding
}

pub fn lie(batch: &Batch) -> Processed {
    let rows = ROWS_PER_ROW * batch.rows as usize;
    let mut text = String::with_capacity(3 * rows + 2);
    text.push('[');
    text.push_str(&"{},".repeat(rows));
    text.pop();
    text.push(']');
    let indices = vec![0; rows];
    let output = Output { rows: Selection::Indices(indices), values: NewValues::Json(text) };
    Processed { outputs: vec![output], bad_rows: Vec::new() }
}
