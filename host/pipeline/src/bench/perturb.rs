//! Other values for one column of a batch: would the plugin have noticed?
//!
//! The more different the values are, the less is missed: the same values in another order, none at all, values that no
//! one would expect there, at the ends of the type and beyond what rules are about, and what the plugin's configuration
//! names, which is what it compares with.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, UInt32Array, new_null_array};
use arrow::compute::{cast, take};
use serde_json::{Map, Value};

/// Values that are strange for one type or another, as text: each type takes those that it can read.
const STRANGE: [&str; 12] = [
    "0",
    "-1",
    "127",
    "999999999",
    "-1e300",
    "NaN",
    "true",
    "false",
    "0001-01-01",
    "9999-12-31",
    "",
    "strange \u{1f980}",
];

/// How many values of a configuration are tried, and how long they may be, in bytes.
const MAX_NAMED: usize = 32;
const MAX_NAMED_BYTES: usize = 256;

/// The scalars and keys of a configuration as text, each once, as far as they are few.
pub(super) fn named_values(config: &Map<String, Value>) -> Vec<String> {
    let mut values = Vec::new();
    let mut pending: Vec<&Value> = config.values().rev().collect();
    while let Some(value) = pending.pop() {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => values.push(number.to_string()),
            Value::String(text) => values.push(text.clone()),
            Value::Array(items) => pending.extend(items.iter().rev()),
            Value::Object(entries) => {
                values.extend(entries.keys().cloned());
                pending.extend(entries.values().rev());
            }
        }
    }
    let mut seen = HashSet::new();
    values.retain(|value| value.len() <= MAX_NAMED_BYTES && seen.insert(value.clone()));
    values.truncate(MAX_NAMED);
    values
}

/// The batch with other values in one column, those of `named` among them: each time all rows are there, and some value
/// differs.
pub(super) fn variants(batch: &RecordBatch, column: usize, named: &[String]) -> Vec<RecordBatch> {
    let original = batch.column(column);
    let rows = original.len();
    let mut columns: Vec<ArrayRef> = Vec::new();
    let last_first = UInt32Array::from_iter_values((0..rows as u32).rev());
    columns.extend(take(original, &last_first, None).ok());
    if batch.schema_ref().field(column).is_nullable() {
        columns.push(new_null_array(original.data_type(), rows));
    }
    let texts = STRANGE.into_iter().chain(named.iter().map(String::as_str));
    let strange = texts.filter_map(|text| {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![text; rows]));
        // What the type cannot read becomes null, or is refused.
        let values = cast(&texts, original.data_type()).ok()?;
        (values.logical_null_count() == 0).then_some(values)
    });
    columns.extend(strange);
    columns
        .into_iter()
        .filter(|values| values != original)
        .filter_map(|values| with_column(batch, column, values))
        .collect()
}

fn with_column(batch: &RecordBatch, column: usize, values: ArrayRef) -> Option<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    columns[column] = values;
    RecordBatch::try_new(batch.schema(), columns).ok()
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray as _, Int8Array, RecordBatchOptions};
    use arrow::datatypes::{DataType, Field, Int8Type, Schema};

    use super::*;

    fn batch(column: ArrayRef, nullable: bool) -> RecordBatch {
        let field = Field::new("a", column.data_type().clone(), nullable);
        let schema = Arc::new(Schema::new(vec![field]));
        let options = RecordBatchOptions::new().with_row_count(Some(column.len()));
        RecordBatch::try_new_with_options(schema, vec![column], &options).unwrap()
    }

    #[test]
    fn variants_differ_and_fit_the_schema() {
        let numbers = batch(Arc::new(Int8Array::from(vec![1, 2])), false);
        let named = ["7", "seven", "128"].map(str::to_owned);
        let variants = variants(&numbers, 0, &named);
        let values: Vec<Vec<i8>> = variants
            .iter()
            .map(|batch| batch.column(0).as_primitive::<Int8Type>().values().to_vec())
            .collect();
        assert_eq!(values, [[2, 1], [0, 0], [-1, -1], [127, 127], [7, 7]]);
    }

    #[test]
    fn a_configuration_names_values() {
        let config = serde_json::json!({
            "rules": [{ "column": "a", "in": ["x", "y", "x"], "max": 1.5, "on": true }],
            "names": { "DE": "Germany" },
            "long": "x".repeat(MAX_NAMED_BYTES + 1),
        });
        let named = named_values(config.as_object().unwrap());
        let expected = ["column", "in", "max", "on", "a", "x", "y", "1.5", "DE", "Germany"];
        assert_eq!(named, expected);
        let many: Vec<Value> = (0..100).map(Value::from).collect();
        let many = Map::from_iter([("many".to_owned(), Value::from(many))]);
        assert_eq!(named_values(&many).len(), MAX_NAMED);
    }

    #[test]
    fn what_is_the_same_is_no_variant() {
        let nulls = batch(new_null_array(&DataType::Int8, 2), true);
        assert!(variants(&nulls, 0, &[]).iter().all(|batch| batch.column(0).null_count() == 0));
        let symmetric = batch(Arc::new(StringArray::from(vec!["a", "b", "a"])), true);
        let found = variants(&symmetric, 0, &[]);
        assert!(found.iter().all(|batch| batch.column(0) != symmetric.column(0)));
        assert_eq!(found.len(), 1 + STRANGE.len());
        assert!(variants(&batch(new_null_array(&DataType::Int8, 0), true), 0, &[]).is_empty());
    }
}
