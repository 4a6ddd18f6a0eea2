//! The `json` encoding: a batch as a JSON array with one object per row.
//!
//! Types are written and read as arrow-json does: instants and dates as RFC 3339 strings, binary as
//! hexadecimal, decimals as numbers. Rows from a guest may leave out nulls, and may not
//! bring keys that were not declared. Of a number with a fraction in a column of integers the integer is read.
//! Nulls that would take more memory than any text warrants are refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::writer::{JsonArray, WriterBuilder};
use serde::de::IgnoredAny;

use crate::json_size;
use crate::lift::{ColumnBreach, check_column};

/// How many bytes the nulls of one batch may take in all columns together.
pub const MAX_NULL_BYTES: u64 = 64 << 20;

/// JSON that a plugin returned and that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JsonBreach {
    #[error("the JSON rows are not readable: {0}")]
    Unreadable(String),
    #[error("the JSON array holds {actual} rows where {expected} are expected")]
    Rows { expected: usize, actual: usize },
    #[error("row {0} of the JSON array is null")]
    NullRow(usize),
    #[error(
        "the nulls and missing keys of the JSON array take more than {MAX_NULL_BYTES} bytes; return fewer rows at once, or \
         columns"
    )]
    WideNulls,
    #[error(transparent)]
    Column(#[from] ColumnBreach),
}

/// One batch as a JSON array of objects. Nulls are written out, so every object has every key.
pub fn encode(batch: &RecordBatch) -> Result<String, ArrowError> {
    let mut writer =
        WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    let mut text = writer.into_inner();
    if text.is_empty() {
        text.extend_from_slice(b"[]");
    }
    String::from_utf8(text).map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// The columns of the rows in `text`, in the order of `fields`. `rows` is the exact number of rows.
pub fn decode(text: &str, fields: &[FieldRef], rows: usize) -> Result<Vec<ArrayRef>, JsonBreach> {
    let unreadable = |error: serde_json::Error| JsonBreach::Unreadable(error.to_string());
    // What is no array by itself could close the envelope below and open another.
    let actual = serde_json::from_str::<Vec<IgnoredAny>>(text).map_err(unreadable)?.len();
    if actual != rows {
        return Err(JsonBreach::Rows { expected: rows, actual });
    }
    if json_size::exceeds(text, fields, rows, MAX_NULL_BYTES).map_err(unreadable)? {
        return Err(JsonBreach::WideNulls);
    }
    // The reader returns errors for most values that are none of their column's type, and panics for the rest, such as a
    // number in a column of fixed-size binary.
    let batch = match catch_unwind(AssertUnwindSafe(|| read_envelope(text, fields))) {
        Ok(read) => read.map_err(|error| JsonBreach::Unreadable(error.to_string()))?,
        Err(_) => None,
    };
    let Some(batch) = batch else {
        let message = "a value is none of its column's type".to_owned();
        return Err(JsonBreach::Unreadable(message));
    };
    let list = batch.column(0).as_list::<i32>();
    let items = list.value(0);
    let structs = items.as_struct();
    if let Some(nulls) = structs.nulls()
        && nulls.null_count() > 0
    {
        let first = (0..nulls.len()).find(|&row| nulls.is_null(row)).unwrap_or(0);
        return Err(JsonBreach::NullRow(first));
    }
    for (field, column) in fields.iter().zip(structs.columns()) {
        check_column(field, column)?;
    }
    Ok(structs.columns().to_vec())
}

/// The batch of one row and one column that holds all rows of `text` as a list; none where that is not what it is.
fn read_envelope(text: &str, fields: &[FieldRef]) -> Result<Option<RecordBatch>, ArrowError> {
    // The reader takes a sequence of objects. One object with the array as its only value makes it take
    // the array, with one list of structs as the result. Nulls are checked later, with a better message.
    let lenient: Vec<FieldRef> =
        fields.iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true))).collect();
    let row = Field::new("row", DataType::Struct(lenient.into()), true);
    let envelope = Schema::new(vec![Field::new("rows", DataType::List(Arc::new(row)), true)]);
    let mut decoder =
        ReaderBuilder::new(Arc::new(envelope)).with_strict_mode(true).build_decoder()?;
    for part in [br#"{"rows":"#, text.as_bytes(), b"}"] {
        let consumed = decoder.decode(part)?;
        if consumed < part.len() {
            return Ok(None);
        }
    }
    Ok(decoder.flush()?.filter(|batch| batch.num_rows() == 1))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn fields() -> Vec<FieldRef> {
        vec![
            Arc::new(Field::new("a", DataType::Int64, false)),
            Arc::new(Field::new("b", DataType::Utf8, true)),
        ]
    }

    #[test]
    fn rows_survive_the_way_there_and_back() {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN, 0])),
            Arc::new(StringArray::from(vec![Some("\"ä\"\n\u{1}"), None, Some("")])),
        ];
        let schema = Arc::new(Schema::new(fields()));
        let batch = RecordBatch::try_new(schema, columns.clone()).unwrap();
        assert_eq!(decode(&encode(&batch).unwrap(), &fields(), 3).unwrap(), columns);
        let empty = encode(&batch.slice(0, 0)).unwrap();
        assert_eq!(decode(&empty, &fields(), 0).unwrap()[0].len(), 0);
    }

    #[test]
    fn what_is_no_array_of_the_rows_is_refused() {
        for text in [
            "",
            "null",
            "{\"a\":1}",
            "[{\"a\":1}",
            "[{\"a\":1}] more",
            "[{\"a\":1}],\"rows\":[{\"a\":2}]",
            "[{\"a\":1}]}{\"rows\":[{\"a\":2}]",
            "[null]",
            "[1]",
            "[{}]",
            "[{\"a\":null}]",
            "[{\"a\":\"text\"}]",
            "[{\"a\":99999999999999999999}]",
            "[{\"a\":1,\"c\":2}]",
            "[{\"a\":1},{\"a\":2}]",
            "[]",
        ] {
            assert!(decode(text, &fields(), 1).is_err(), "{text}");
        }
    }

    /// arrow-json would panic: it expects text only, or a null.
    #[test]
    fn a_value_of_another_type_is_refused_whatever_it_is() {
        let fields = [Arc::new(Field::new("a", DataType::FixedSizeBinary(2), true))];
        for value in ["1", "true", "[]", "{}", "1.5", "\"0\"", "\"zz\""] {
            let text = format!("[{{\"a\":{value}}}]");
            let breach = decode(&text, &fields, 1).unwrap_err();
            assert!(matches!(breach, JsonBreach::Unreadable(_)), "{value}: {breach}");
        }
    }

    #[test]
    fn rows_of_wide_nulls_are_refused_before_they_are_made() {
        let item = Arc::new(Field::new("item", DataType::Int64, true));
        for wide in [
            DataType::FixedSizeBinary(1 << 20),
            DataType::FixedSizeList(Arc::clone(&item), 1 << 20),
            DataType::List(Arc::new(Field::new("item", DataType::FixedSizeBinary(1 << 20), true))),
        ] {
            let fields = [Arc::new(Field::new("a", wide, true))];
            let decode = |row: &str| {
                let rows = vec![row; 100].join(",");
                decode(&format!("[{rows}]"), &fields, 100)
            };
            let breach = decode(r#"{"a":[null,null]}"#).unwrap_err();
            assert!(matches!(breach, JsonBreach::WideNulls), "{breach}");
            if !matches!(fields[0].data_type(), DataType::List(_)) {
                let breach = decode("{}").unwrap_err();
                assert!(matches!(breach, JsonBreach::WideNulls), "{breach}");
            }
        }
    }
}
