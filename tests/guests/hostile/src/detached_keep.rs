//! Returns rows that belong to no input row, although input columns are to be kept.

use wasmill_plugin_sdk::bindings::transform::{NewColumn, NewValues, Output, Processed, Selection};

use crate::honest::Answer;

pub fn lie(answer: Answer) -> Processed {
    let rows = Selection::Detached(answer.double.length);
    let columns = vec![
        NewColumn::PerOutputRow(vec![answer.double]),
        NewColumn::PerOutputRow(vec![answer.label]),
    ];
    let output = Output { rows, values: NewValues::Columns(columns) };
    Processed { outputs: vec![output], bad_rows: Vec::new() }
}
