//! Simpler values in the place of others, for shrinking: null, nothing or zero, a half of what is there.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, make_array,
    new_null_array,
};
use arrow::buffer::Buffer;
use arrow::compute::{cast, concat};
use arrow::datatypes::DataType;

/// The column with simpler values at the rows of `range`, the simplest first. None is the same as it was.
pub(super) fn simpler(batch: &RecordBatch, column: usize, range: &Range<usize>) -> Vec<ArrayRef> {
    let values = batch.column(column);
    let field = batch.schema_ref().field(column);
    let part = values.slice(range.start, range.len());
    if part.logical_null_count() == part.len() {
        return Vec::new();
    }
    let mut replacements = Vec::new();
    if field.is_nullable() {
        replacements.push(new_null_array(values.data_type(), range.len()));
    }
    replacements.extend(plainest(values.data_type(), range.len()));
    if range.len() == 1 {
        replacements.extend(halves(&part));
    }
    let fitting = replacements.into_iter().filter(|other| other.as_ref() != part.as_ref());
    let replaced = fitting.filter_map(|other| {
        let (before, after) =
            (values.slice(0, range.start), values.slice(range.end, values.len() - range.end));
        let column = concat(&[before.as_ref(), other.as_ref(), after.as_ref()]).ok()?;
        (column.data_type() == values.data_type()).then_some(column)
    });
    replaced.collect()
}

/// Zeros, falsehoods or empty texts; none for types made of others.
fn plainest(data_type: &DataType, rows: usize) -> Option<ArrayRef> {
    if *data_type == DataType::Boolean {
        return Some(Arc::new(BooleanArray::from(vec![false; rows])));
    }
    if let Some(width) = data_type.primitive_width() {
        let zeros = Buffer::from(vec![0_u8; width * rows]);
        let data = ArrayData::builder(data_type.clone()).len(rows).add_buffer(zeros).build();
        return data.ok().map(make_array);
    }
    let is_text = matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    );
    let empty: ArrayRef = Arc::new(StringArray::from(vec![""; rows]));
    is_text.then(|| cast(&empty, data_type).ok()).flatten()
}

/// The first and the second half of one text.
fn halves(value: &ArrayRef) -> Vec<ArrayRef> {
    let is_text =
        matches!(value.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let Some(text) = is_text.then(|| cast(value, &DataType::Utf8).ok()).flatten() else {
        return Vec::new();
    };
    let text = text.as_string::<i32>().value(0);
    let Some((middle, _)) = text.char_indices().nth(text.chars().count() / 2) else {
        return Vec::new();
    };
    let halves =
        [&text[..middle], &text[middle..]].into_iter().filter(|half| half.len() < text.len());
    halves
        .filter_map(|half| {
            let half: ArrayRef = Arc::new(StringArray::from(vec![half]));
            cast(&half, value.data_type()).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, RecordBatchOptions};
    use arrow::datatypes::{Field, Int32Type, Schema};

    use super::*;

    fn batch(column: ArrayRef, nullable: bool) -> RecordBatch {
        let field = Field::new("a", column.data_type().clone(), nullable);
        let options = RecordBatchOptions::new().with_row_count(Some(column.len()));
        let schema = Arc::new(Schema::new(vec![field]));
        RecordBatch::try_new_with_options(schema, vec![column], &options).unwrap()
    }

    #[test]
    fn one_value_or_all_become_simpler() {
        let numbers = batch(Arc::new(Int32Array::from(vec![5, 6, 7])), true);
        let found: Vec<Vec<Option<i32>>> = simpler(&numbers, 0, &(1..2))
            .iter()
            .map(|column| column.as_primitive::<Int32Type>().iter().collect())
            .collect();
        assert_eq!(found, [[Some(5), None, Some(7)], [Some(5), Some(0), Some(7)]]);
        assert_eq!(simpler(&numbers, 0, &(0..3))[0].null_count(), 3);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let texts = batch(Arc::new(StringArray::from(vec!["äöü", ""])), false);
        let found: Vec<String> = simpler(&texts, 0, &(0..1))
            .iter()
            .map(|column| column.as_string::<i32>().value(0).to_owned())
            .collect();
        assert_eq!(found, ["", "ä", "öü"]);
        assert!(simpler(&texts, 0, &(1..2)).is_empty(), "there is nothing simpler than nothing");
    }

    #[test]
    fn what_is_null_stays() {
        let nulls = batch(new_null_array(&DataType::Utf8, 2), true);
        assert!(simpler(&nulls, 0, &(0..1)).is_empty());
    }
}
