//! One row as a person reads it: `email = null, amount = "12"`.

use std::fmt;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use wasmill_sandbox::frames::one_line;

use super::name;

/// More columns are counted.
const MAX_COLUMNS: usize = 12;
/// Longer values are cut, in characters.
const MAX_VALUE_CHARS: usize = 60;
/// Of binary values, so many bytes are shown.
const MAX_VALUE_BYTES: usize = 16;

/// The values of the first row, with the names of their columns, and how many columns there are beyond. Columns that are
/// read come first, in the order of the row.
pub(super) fn shown_values(row: &RecordBatch, reads: &[String]) -> (Vec<(String, String)>, usize) {
    let schema = row.schema();
    let mut columns: Vec<usize> = (0..row.num_columns()).collect();
    columns.sort_by_key(|&column| !reads.contains(schema.field(column).name()));
    let more = columns.len().saturating_sub(MAX_COLUMNS);
    columns.truncate(MAX_COLUMNS);
    let shown = |column: usize| {
        (name(schema.field(column).name()), shown_value(row.column(column).as_ref()))
    };
    (columns.into_iter().map(shown).collect(), more)
}

/// The first value of a column.
fn shown_value(column: &dyn Array) -> String {
    if column.is_null(0) {
        return "null".to_owned();
    }
    match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => match text(column) {
            Some(text) => quoted(text),
            None => "?".to_owned(),
        },
        DataType::Binary => binary(column.as_binary::<i32>().value(0)),
        DataType::LargeBinary => binary(column.as_binary::<i64>().value(0)),
        _ => other(column),
    }
}

/// The first value of a column of text that is not null.
pub(super) fn text(column: &dyn Array) -> Option<&str> {
    if column.is_empty() || column.is_null(0) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(0)),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(0)),
        DataType::Utf8View => Some(column.as_string_view().value(0)),
        _ => None,
    }
}

/// Text in quotes. What is cut off is counted, so that a long text is seen to be one.
fn quoted(text: &str) -> String {
    let end = text.char_indices().nth(MAX_VALUE_CHARS).map_or(text.len(), |(end, _)| end);
    let shown = text[..end].replace('\\', r"\\").replace('"', "\\\"");
    let shown = one_line(&shown, usize::MAX);
    match text.len() - end {
        0 => format!("\"{shown}\""),
        more => format!("\"{shown}\"… ({more} more bytes)"),
    }
}

fn binary(bytes: &[u8]) -> String {
    let mut shown = String::from("0x");
    for byte in bytes.iter().take(MAX_VALUE_BYTES) {
        shown.push_str(&format!("{byte:02x}"));
    }
    match bytes.len().saturating_sub(MAX_VALUE_BYTES) {
        0 => shown,
        more => format!("{shown}… ({more} more bytes)"),
    }
}

/// Any other value, as Arrow writes it.
fn other(column: &dyn Array) -> String {
    let options = FormatOptions::new().with_null("null");
    let Ok(formatter) = ArrayFormatter::try_new(column, &options) else { return "?".to_owned() };
    let mut cut = Cut { text: String::new(), left: MAX_VALUE_CHARS };
    let whole = formatter.value(0).write(&mut cut).is_ok();
    let text = one_line(&cut.text, usize::MAX);
    match (whole, cut.left) {
        (true, _) => text,
        (false, 0) => format!("{text}…"),
        // It is Arrow that cannot write it.
        (false, _) => "?".to_owned(),
    }
}

/// Takes so many characters, and then no more: of a list of a million values, a few are written.
struct Cut {
    text: String,
    left: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(char);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array,
        Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn values_are_readable_and_bounded() {
        let hostile = "\u{1b}[2J\r\n\"\\\u{202e}".to_owned();
        let cases: Vec<(ArrayRef, &str)> = vec![
            (Arc::new(Int64Array::from(vec![Some(-12)])), "-12"),
            (Arc::new(Int64Array::from(vec![None])), "null"),
            (Arc::new(Float64Array::from(vec![f64::NAN])), "NaN"),
            (Arc::new(BooleanArray::from(vec![true])), "true"),
            (Arc::new(StringArray::from(vec!["12"])), "\"12\""),
            (Arc::new(StringArray::from(vec![""])), "\"\""),
            (Arc::new(StringArray::from(vec![hostile])), r#""\u{1b}[2J\r\n\"\\\u{202e}""#),
            (Arc::new(BinaryArray::from(vec![&[0, 255, 27][..]])), "0x00ff1b"),
            (Arc::new(Date32Array::from(vec![19_000])), "2022-01-08"),
            (
                Arc::new(
                    Decimal128Array::from(vec![12_345]).with_precision_and_scale(10, 2).unwrap(),
                ),
                "123.45",
            ),
        ];
        for (column, expected) in cases {
            assert_eq!(shown_value(column.as_ref()), expected);
        }
        let long: ArrayRef = Arc::new(StringArray::from(vec!["é".repeat(1_000_000)]));
        let shown = shown_value(long.as_ref());
        assert!(shown.ends_with("é\"… (1999880 more bytes)"), "{shown}");
        assert!(shown.chars().count() < 90);
        let list = vec![Some((0..1_000_000).map(Some).collect::<Vec<_>>())];
        let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(list));
        let shown = shown_value(list.as_ref());
        assert!(shown.starts_with("[0, 1, 2, ") && shown.ends_with('…'), "{shown}");
        assert_eq!(shown.chars().count(), MAX_VALUE_CHARS + 1);
        // Beyond what calendars know.
        let never: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![i64::MAX]));
        assert_eq!(shown_value(never.as_ref()), "?");
    }

    #[test]
    fn columns_that_are_read_come_first() {
        let value = |value: i64| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
        let columns = (0..20).map(|column| (format!("c{column}"), value(column)));
        let row = RecordBatch::try_from_iter(columns).unwrap();
        let (values, more) = shown_values(&row, &["c19".to_owned(), "c7".to_owned()]);
        let names: Vec<&str> = values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..4], ["c7", "c19", "c0", "c1"]);
        assert_eq!((values.len(), more), (12, 8));
        assert_eq!(values[1].1, "19");
    }
}
