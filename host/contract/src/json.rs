//! The `json` encoding: a batch as a JSON array with one object per row.
//!
//! Types are written and read as arrow-json does: instants and dates as RFC 3339 strings, binary as
//! hexadecimal, decimals as numbers. Rows from a guest may leave out nulls, and may not
//! bring keys that were not declared. Of a number with a fraction in a column of integers the integer is read.
//! Nulls that would take more memory than any text warrants are refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::writer::{JsonArray, WriterBuilder};
use serde::de::IgnoredAny;

use crate::finding::bounded_text;
use crate::json_size;
use crate::lift::{ColumnBreach, check_column};
use crate::schema::MAX_DEPTH;

/// How deep JSON may be nested: the array of rows, a row, and in it values as deep as types may be.
const MAX_JSON_DEPTH: usize = MAX_DEPTH + 2;
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
    #[error("the JSON rows are nested deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
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
    let plain: Vec<FieldRef> = fields.iter().map(plain_field).collect();
    // The parsers below do not mind depth, but a message about a value in the wrong place writes it out by recursion.
    if depth(text) > MAX_JSON_DEPTH {
        return Err(JsonBreach::TooDeep);
    }
    let unreadable =
        |error: serde_json::Error| JsonBreach::Unreadable(bounded_text(error.to_string()));
    // What is no array by itself could close the envelope below and open another.
    let actual = serde_json::from_str::<Vec<IgnoredAny>>(text).map_err(unreadable)?.len();
    if actual != rows {
        return Err(JsonBreach::Rows { expected: rows, actual });
    }
    if json_size::exceeds(text, &plain, rows, MAX_NULL_BYTES).map_err(unreadable)? {
        return Err(JsonBreach::WideNulls);
    }
    // The reader returns errors for most values that are none of their column's type, and panics for the rest, such as a
    // number in a column of fixed-size binary.
    let batch = match catch_unwind(AssertUnwindSafe(|| read_envelope(text, &plain))) {
        // A message may write out the value that it is about.
        Ok(read) => {
            read.map_err(|error| JsonBreach::Unreadable(bounded_text(error.to_string())))?
        }
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
    let mut columns = Vec::with_capacity(fields.len());
    for (field, column) in fields.iter().zip(structs.columns()) {
        let column = with_dictionaries(column, field)?;
        check_column(field, &column)?;
        columns.push(column);
    }
    Ok(columns)
}

/// A type without the dictionaries in it, which the reader does not make.
fn plain_type(data_type: &DataType) -> DataType {
    let plain = |field: &FieldRef| -> FieldRef {
        Arc::new(field.as_ref().clone().with_data_type(plain_type(field.data_type())))
    };
    match data_type {
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::List(item) => DataType::List(plain(item)),
        DataType::LargeList(item) => DataType::LargeList(plain(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(plain(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain).collect()),
        DataType::Map(entries, sorted) => DataType::Map(plain(entries), *sorted),
        other => other.clone(),
    }
}

fn plain_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(plain_type(field.data_type())))
}

/// The column as its field has it: with its dictionaries.
fn with_dictionaries(column: &ArrayRef, field: &Field) -> Result<ArrayRef, JsonBreach> {
    if plain_type(field.data_type()) == *field.data_type() {
        return Ok(Arc::clone(column));
    }
    cast(column, field.data_type())
        .map_err(|error| JsonBreach::Unreadable(bounded_text(error.to_string())))
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

/// How deep arrays and objects are nested, whether or not they are well formed.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Goes behind the end of a string.
fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
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

    /// Beyond some hundred thousand levels, a message about it would overflow the stack.
    #[test]
    fn depth_is_limited() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(matches!(decode(&deep(1 << 20), &fields(), 1), Err(JsonBreach::TooDeep)));
        assert!(matches!(decode(&"[".repeat(1 << 20), &fields(), 1), Err(JsonBreach::TooDeep)));
        assert!(matches!(decode(&deep(2), &fields(), 1), Err(JsonBreach::Unreadable(_))));
        assert_eq!(depth(r#"[{"a\\\"[[[": "]]]{{{"}, {"b": [[1]]}]"#), 4);
    }

    /// A value in the wrong place is not repeated as a whole.
    #[test]
    fn messages_are_short() {
        let text = format!("[{{\"a\":[{}0]}}]", "0,".repeat(1 << 20));
        let message = decode(&text, &fields(), 1).unwrap_err().to_string();
        assert!(message.len() < 5_000, "{}", message.len());
    }

    #[test]
    fn columns_of_nothing_are_limited() {
        let column = |number| Arc::new(Field::new(format!("c{number}"), DataType::Int64, true));
        let fields: Vec<FieldRef> = (0..4_000).map(column).collect();
        let text = |rows: usize| format!("[{}{{}}]", "{},".repeat(rows - 1));
        assert_eq!(decode(&text(100), &fields, 100).unwrap().len(), 4_000);
        let error = decode(&text(10_000), &fields, 10_000).unwrap_err();
        assert!(matches!(error, JsonBreach::WideNulls), "{error}");
        // Counted before anything is made of them.
        let error = decode(&text(10_000), &fields, 1).unwrap_err();
        assert!(matches!(error, JsonBreach::Rows { actual: 10_000, .. }), "{error}");
        let list = DataType::new_fixed_size_list(DataType::Int64, 1 << 20, true);
        let wide: Vec<FieldRef> = vec![Arc::new(Field::new("wide", list, true))];
        assert!(matches!(decode(&text(100), &wide, 100), Err(JsonBreach::WideNulls)));
    }
}
