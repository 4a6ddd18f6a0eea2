//! What a case says when it fails.

use std::fmt::Debug;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use wasmill_sandbox::fault::Fault;

/// Nothing, or what was wrong.
pub type Outcome = Result<(), String>;

/// That two values are the same.
pub fn equal<T: PartialEq + Debug>(what: &str, actual: T, expected: T) -> Outcome {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{what}: {actual:?}, where {expected:?} is expected"))
}

/// That something holds.
pub fn holds(condition: bool, what: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(what()) }
}

/// A fault as the message of a case.
pub fn faulted(fault: &Fault) -> String {
    let mut text = fault.to_string();
    for line in fault.last_words().iter().rev().take(3) {
        text.push_str(" | ");
        text.push_str(line);
    }
    text
}

/// That a column has the same type and values; dictionaries may be other ones, if they stand for the same.
pub fn same_column(name: &str, actual: &ArrayRef, expected: &ArrayRef) -> Outcome {
    equal(&format!("type of `{name}`"), actual.data_type(), expected.data_type())?;
    equal(&format!("rows of `{name}`"), actual.len(), expected.len())?;
    let plain = |array: &ArrayRef| -> Result<ArrayRef, String> {
        match array.data_type() {
            DataType::Dictionary(_, values) => {
                arrow::compute::cast(array, values).map_err(|error| error.to_string())
            }
            _ => Ok(array.clone()),
        }
    };
    let (actual, expected) = (plain(actual)?, plain(expected)?);
    if actual.as_ref() == expected.as_ref() {
        return Ok(());
    }
    for row in 0..expected.len() {
        if actual.slice(row, 1).as_ref() != expected.slice(row, 1).as_ref() {
            let shown = |array: &ArrayRef| match array.is_null(row) {
                true => "null".to_owned(),
                false => {
                    array_value_to_string(array, row).unwrap_or_else(|error| error.to_string())
                }
            };
            return Err(format!(
                "row {row} of `{name}`: {}, where {} is expected",
                shown(&actual),
                shown(&expected)
            ));
        }
    }
    Err(format!("`{name}` is not the same as a whole"))
}

/// That a batch has these columns, in this order.
pub fn same_batch(actual: &RecordBatch, expected: &RecordBatch) -> Outcome {
    let names = |batch: &RecordBatch| -> Vec<String> {
        batch.schema().fields().iter().map(|field| field.name().clone()).collect()
    };
    equal("columns", names(actual), names(expected))?;
    equal("rows", actual.num_rows(), expected.num_rows())?;
    let schema = expected.schema();
    for (index, field) in schema.fields().iter().enumerate() {
        same_column(field.name(), actual.column(index), expected.column(index))?;
    }
    Ok(())
}
