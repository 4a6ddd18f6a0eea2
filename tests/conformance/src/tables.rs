//! The small tables that cases put in.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

/// More than a bitmap's byte and word hold, and no multiple of either.
pub const ROWS: i64 = 131;

/// `id` (int64, not null): 0 and on; `key`, `text` (utf8) and `x` (float64), with nulls.
pub fn ids(rows: i64) -> RecordBatch {
    ids_from(0, rows)
}

/// Like [`ids`], from another id on.
pub fn ids_from(first: i64, rows: i64) -> RecordBatch {
    let ids = first..first + rows;
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("key", DataType::Utf8, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("x", DataType::Float64, true),
    ]);
    let texts = [
        "plain",
        "",
        "héllo wörld",
        "日本語テキスト",
        "🦀🦀 crab",
        "tab\tquote\"back\\slash\nline",
        "\u{0}nul",
        "e\u{301}",
    ];
    let text = ids.clone().map(|id| (id % 9 != 8).then(|| texts[(id % 8) as usize]));
    let key = ids.clone().map(|id| (id % 7 != 6).then(|| format!("key {}", id % 5)));
    let x = ids.clone().map(|id| (id % 4 != 3).then_some(id as f64 * 0.25 - 3.0));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(ids)),
        Arc::new(key.collect::<StringArray>()),
        Arc::new(text.collect::<StringArray>()),
        Arc::new(x.collect::<Float64Array>()),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("columns of one length")
}

/// A slice of a larger table: offsets and bitmaps then begin in the middle.
pub fn slice_of_ids() -> RecordBatch {
    ids(ROWS + 13).slice(5, ROWS as usize)
}

/// A table without a row.
pub fn no_ids() -> RecordBatch {
    ids(3).slice(1, 0)
}

/// The batch with more columns at its end.
pub fn with_columns(batch: &RecordBatch, columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let mut fields = batch.schema().fields().to_vec();
    let mut arrays = batch.columns().to_vec();
    for (name, array) in columns {
        fields.push(Arc::new(Field::new(name, array.data_type().clone(), true)));
        arrays.push(array);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

/// A batch of new columns.
pub fn of_columns(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let nullable = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(nullable).expect("columns of one length")
}

/// The values of a column of int64 without nulls.
pub fn ids_of(batch: &RecordBatch) -> Vec<i64> {
    let column = batch.column_by_name("id").expect("a column `id`");
    column.as_any().downcast_ref::<Int64Array>().expect("int64").values().to_vec()
}
