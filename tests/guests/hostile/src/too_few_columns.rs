//! Returns one new column where two were declared.

use wasmill_plugin_sdk::bindings::transform::{NewColumn, NewValues, Output, Processed};

use crate::honest::Answer;

pub fn lie(answer: Answer) -> Processed {
    let columns = vec![NewColumn::PerInputRow(vec![answer.double])];
    let output = Output { rows: answer.rows, values: NewValues::Columns(columns) };
    Processed { outputs: vec![output], bad_rows: Vec::new() }
}
