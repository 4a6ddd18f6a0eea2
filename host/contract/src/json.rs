//! The `json` encoding: a batch as a JSON array with one object per row.
//!
//! Types are written and read as arrow-json does: instants and dates as RFC 3339 strings, binary as
//! hexadecimal, decimals as numbers. Rows from a guest may leave out nulls, and may not
//! bring keys that were not declared. Of a number with a fraction in a column of integers the integer is read.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::json::writer::{JsonArray, WriterBuilder};
use serde::de::IgnoredAny;

use crate::finding::bounded_text;
use crate::lift::{ColumnBreach, check_column};
use crate::schema::MAX_DEPTH;

/// How deep JSON may be nested: the array of rows, a row, and in it values as deep as types may be.
const MAX_JSON_DEPTH: usize = MAX_DEPTH + 2;
/// How large columns may become of nothing, of keys that rows leave out ...
const MAX_NULL_BYTES: u64 = 64 << 20;
/// ... and of each byte of text: a key and a digit, six bytes, may be a decimal of 32.
const MAX_BYTES_PER_BYTE: u64 = 8;

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
        "{rows} JSON rows take {needed} bytes in the declared columns: the limit for {bytes} bytes of JSON is {limit}"
    )]
    TooLarge { rows: usize, bytes: usize, needed: u64, limit: u64 },
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
    // The parsers below do not mind depth, but a message about a value in the wrong place writes it out by recursion.
    if depth(text) > MAX_JSON_DEPTH {
        return Err(JsonBreach::TooDeep);
    }
    // What is no array by itself could close the envelope below and open another.
    let items: Vec<IgnoredAny> = serde_json::from_str(text)
        .map_err(|error| JsonBreach::Unreadable(bounded_text(error.to_string())))?;
    if items.len() != rows {
        return Err(JsonBreach::Rows { expected: rows, actual: items.len() });
    }
    check_size(text, fields, rows)?;
    // A message may write out the value that it is about.
    let unreadable = |error: ArrowError| JsonBreach::Unreadable(bounded_text(error.to_string()));
    // The reader takes a sequence of objects. One object with the array as its only value makes it take
    // the array, with one list of structs as the result. Nulls are checked below, with a better message.
    let lenient: Vec<FieldRef> =
        fields.iter().map(|field| Arc::new(field.as_ref().clone().with_nullable(true))).collect();
    let row = Field::new("row", DataType::Struct(lenient.into()), true);
    let envelope = Schema::new(vec![Field::new("rows", DataType::List(Arc::new(row)), true)]);
    let mut decoder = ReaderBuilder::new(Arc::new(envelope))
        .with_strict_mode(true)
        .build_decoder()
        .map_err(unreadable)?;
    for part in [br#"{"rows":"#, text.as_bytes(), b"}"] {
        let consumed = decoder.decode(part).map_err(unreadable)?;
        if consumed < part.len() {
            return Err(JsonBreach::Unreadable("text follows the JSON array".to_owned()));
        }
    }
    let batch = match decoder.flush().map_err(unreadable)? {
        Some(batch) if batch.num_rows() == 1 => batch,
        _ => return Err(JsonBreach::Unreadable("it is no single JSON array".to_owned())),
    };
    let list = batch.column(0).as_list::<i32>();
    if list.is_null(0) {
        return Err(JsonBreach::Unreadable("it is null where an array is expected".to_owned()));
    }
    let items = list.value(0);
    let structs = items.as_struct();
    if structs.len() != rows {
        return Err(JsonBreach::Rows { expected: rows, actual: structs.len() });
    }
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

/// Refuses rows that would become much larger than their text.
fn check_size(text: &str, fields: &[FieldRef], rows: usize) -> Result<(), JsonBreach> {
    let row = fields.iter().map(|field| null_bytes(field.data_type())).fold(0, u64::saturating_add);
    let needed = row.saturating_mul(rows as u64);
    let limit = MAX_NULL_BYTES.saturating_add(MAX_BYTES_PER_BYTE.saturating_mul(text.len() as u64));
    if needed > limit {
        return Err(JsonBreach::TooLarge { rows, bytes: text.len(), needed, limit });
    }
    Ok(())
}

/// How many bytes a null takes, with those that the reader needs to find it.
fn null_bytes(data_type: &DataType) -> u64 {
    /// Of a place in the text.
    const PLACE_BYTES: u64 = 4;
    let values = match data_type {
        DataType::FixedSizeBinary(size) => u64::try_from(*size).unwrap_or_default(),
        DataType::FixedSizeList(item, size) => {
            null_bytes(item.data_type()).saturating_mul(u64::try_from(*size).unwrap_or_default())
        }
        DataType::Struct(fields) => {
            fields.iter().map(|field| null_bytes(field.data_type())).fold(0, u64::saturating_add)
        }
        DataType::Dictionary(key, _) => null_bytes(key),
        // Those of variable length have an offset at least.
        other => other.primitive_width().unwrap_or(size_of::<i64>()) as u64,
    };
    values.saturating_add(PLACE_BYTES)
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
        assert!(matches!(error, JsonBreach::TooLarge { needed: 480_000_000, .. }), "{error}");
        // Counted before anything is made of them.
        let error = decode(&text(10_000), &fields, 1).unwrap_err();
        assert!(matches!(error, JsonBreach::Rows { actual: 10_000, .. }), "{error}");
        let list = DataType::new_fixed_size_list(DataType::Int64, 1 << 20, true);
        let wide: Vec<FieldRef> = vec![Arc::new(Field::new("wide", list, true))];
        assert!(matches!(decode(&text(100), &wide, 100), Err(JsonBreach::TooLarge { .. })));
    }
}
