//! Text that a plugin returns as JSON rows.
//!
//! Promises: an error or columns that are valid Arrow, of the declared fields and of as many rows as were announced. Never a panic,
//! and no more memory than the text warrants: libFuzzer limits memory.
//!
//! The first line of an input says which fields are declared, one letter each, [`FIELDS`]; upper case makes them nullable. What
//! follows are the rows, whose keys are these letters.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};
use wasmill_contract::json::{JsonBreach, decode};

use crate::oracle::check_columns;

/// What each letter stands for, from `a` on.
const FIELDS: [fn() -> DataType; 26] = [
    || DataType::Int64,
    || DataType::Utf8,
    || DataType::Boolean,
    || DataType::Float64,
    || DataType::Binary,
    || DataType::FixedSizeBinary(2),
    || DataType::FixedSizeBinary(1 << 20),
    || DataType::List(item(DataType::Int8)),
    || DataType::LargeList(item(DataType::LargeUtf8)),
    || DataType::FixedSizeList(item(DataType::Int16), 2),
    || DataType::FixedSizeList(item(DataType::Int64), 1 << 20),
    || DataType::Struct(Fields::from(vec![Field::new("a", DataType::UInt8, false)])),
    || map(DataType::Utf8, DataType::Int32),
    || map(DataType::Int32, DataType::Null),
    || DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into()),
    || DataType::Timestamp(TimeUnit::Nanosecond, None),
    || DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into())),
    || DataType::Date32,
    || DataType::Date64,
    || DataType::Time32(TimeUnit::Millisecond),
    || DataType::Time64(TimeUnit::Nanosecond),
    || DataType::Decimal128(38, 10),
    || DataType::Decimal32(9, 2),
    || DataType::Interval(IntervalUnit::MonthDayNano),
    || DataType::Duration(TimeUnit::Microsecond),
    || DataType::Null,
];

fn item(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("item", data_type, true))
}

fn map(key: DataType, value: DataType) -> DataType {
    let pair = Fields::from(vec![Field::new("key", key, false), Field::new("value", value, true)]);
    DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair), false)), false)
}

pub fn run(bytes: &[u8]) {
    let Ok(input) = str::from_utf8(bytes) else { return };
    let Some((letters, text)) = input.split_once('\n') else { return };
    let mut fields: Vec<FieldRef> = Vec::new();
    for letter in letters.chars().filter(char::is_ascii_alphabetic) {
        let name = letter.to_ascii_lowercase();
        if fields.iter().any(|field| *field.name() == name.to_string()) {
            return;
        }
        let data_type = FIELDS[name as usize - 'a' as usize]();
        fields.push(Arc::new(Field::new(name, data_type, letter.is_ascii_uppercase())));
    }
    let (columns, rows) = match decode(text, &fields, 0) {
        Ok(columns) => (columns, 0),
        // The number that is there, had the plugin announced it.
        Err(JsonBreach::Rows { actual, .. }) => match decode(text, &fields, actual) {
            Ok(columns) => (columns, actual),
            Err(_) => return,
        },
        Err(_) => return,
    };
    check_columns(&columns, &fields, rows);
}
