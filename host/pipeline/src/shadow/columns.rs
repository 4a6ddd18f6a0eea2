//! Columns of two versions, matched by name and type, and their values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp::distinct;
use arrow::datatypes::{DataType, Field, Float16Type, Float32Type, Float64Type, Schema};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use wasmill_sandbox::contract::finding::bounded_text;

/// Longer values are cut in examples, in characters.
const MAX_SHOWN: usize = 200;

/// A column that is not the same in both versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnChange {
    pub(super) column: String,
    /// Its type, with whether it may be null; none where it is not there.
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

/// The columns of two versions.
#[derive(Debug)]
pub(super) struct Columns {
    /// Positions in both, and the name, of the columns whose values can be compared: of one name and type.
    pub(super) common: Vec<(usize, usize, String)>,
    pub(super) changes: Vec<ColumnChange>,
    /// Whether columns that both have come in another order.
    pub(super) is_reordered: bool,
}

impl Columns {
    pub(super) fn of(old: &Schema, new: &Schema) -> Self {
        let mut columns = Self { common: Vec::new(), changes: Vec::new(), is_reordered: false };
        let mut places = Vec::new();
        for (position, field) in old.fields().iter().enumerate() {
            let other = new.column_with_name(field.name());
            places.extend(other.map(|(other, _)| other));
            columns.changes.extend(change(Some(field), other.map(|(_, other)| other)));
            if let Some((other_position, other)) = other
                && other.data_type() == field.data_type()
            {
                columns.common.push((position, other_position, field.name().clone()));
            }
        }
        for field in new.fields() {
            if old.column_with_name(field.name()).is_none() {
                columns.changes.extend(change(None, Some(field)));
            }
        }
        columns.is_reordered = !places.is_sorted();
        columns
    }

    /// The columns that can be compared, of a batch of the old version.
    pub(super) fn of_old(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        batch.project(&self.common.iter().map(|(old, _, _)| *old).collect::<Vec<_>>())
    }

    /// The same columns, in the same order, of a batch of the new version.
    pub(super) fn of_new(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        batch.project(&self.common.iter().map(|(_, new, _)| *new).collect::<Vec<_>>())
    }
}

fn change(old: Option<&Field>, new: Option<&Field>) -> Option<ColumnChange> {
    let shown = |field: &Field| {
        let null = if field.is_nullable() { "" } else { " not null" };
        format!("{}{null}", field.data_type())
    };
    let column = old.or(new)?.name().clone();
    let (old, new) = (old.map(shown), new.map(shown));
    (old != new).then_some(ColumnChange { column, old, new })
}

/// The rows in which two columns of one type and length differ; none where they do not.
pub(crate) fn differing(
    old: &ArrayRef,
    new: &ArrayRef,
    tolerance: f64,
) -> Result<Option<BooleanBuffer>, ArrowError> {
    // What both keep of the input.
    if Arc::ptr_eq(old, new) || old.to_data().ptr_eq(&new.to_data()) {
        return Ok(None);
    }
    let mask = match old.data_type() {
        DataType::Float16 => floats::<Float16Type>(old, new, tolerance),
        DataType::Float32 => floats::<Float32Type>(old, new, tolerance),
        DataType::Float64 => floats::<Float64Type>(old, new, tolerance),
        // The kernel knows no nested types.
        _ => match distinct(old, new) {
            Ok(mask) => mask.values().clone(),
            Err(_) => BooleanBuffer::collect_bool(old.len(), |row| {
                old.slice(row, 1).to_data() != new.slice(row, 1).to_data()
            }),
        },
    };
    Ok((mask.count_set_bits() > 0).then_some(mask))
}

fn floats<T: ArrowPrimitiveType>(old: &ArrayRef, new: &ArrayRef, tolerance: f64) -> BooleanBuffer
where
    T::Native: Into<f64>,
{
    let (old, new) = (old.as_primitive::<T>(), new.as_primitive::<T>());
    BooleanBuffer::collect_bool(old.len(), |row| match (old.is_null(row), new.is_null(row)) {
        (false, false) => !is_same(old.value(row).into(), new.value(row).into(), tolerance),
        (old, new) => old != new,
    })
}

/// Whether two floats are the same, or as near as is allowed.
fn is_same(old: f64, new: f64, tolerance: f64) -> bool {
    // Any number is as far from infinity as infinity is large.
    let is_near = || {
        let difference = (old - new).abs();
        difference.is_finite() && difference <= tolerance * old.abs().max(new.abs())
    };
    old.to_bits() == new.to_bits()
        || (old.is_nan() && new.is_nan())
        || (tolerance > 0.0 && is_near())
}

/// A value for a person; none for null.
pub(crate) fn shown(column: &ArrayRef, row: usize) -> Result<Option<String>, ArrowError> {
    if column.is_null(row) {
        return Ok(None);
    }
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())?;
    let text = formatter.value(row).try_to_string()?;
    let cut = match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    };
    Ok(Some(bounded_text(cut)))
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        Decimal128Array, Float64Array, Int64Array, ListArray, StringArray, StructArray,
    };
    use arrow::datatypes::Int64Type;

    use super::*;

    fn rows(old: impl Array + 'static, new: impl Array + 'static, tolerance: f64) -> Vec<usize> {
        let (old, new): (ArrayRef, ArrayRef) = (Arc::new(old), Arc::new(new));
        let mask = differing(&old, &new, tolerance).unwrap();
        mask.map(|mask| mask.set_indices().collect()).unwrap_or_default()
    }

    #[test]
    fn floats_are_compared_by_bits_or_within_a_tolerance() {
        let old = [Some(1.0), Some(f64::NAN), Some(0.0), None, Some(1e9), Some(f64::INFINITY)];
        let new =
            [Some(1.0 + 1e-12), Some(-f64::NAN), Some(-0.0), Some(0.0), Some(1e9 + 1.0), Some(1e9)];
        let of = |values: [Option<f64>; 6]| Float64Array::from(values.to_vec());
        assert_eq!(rows(of(old), of(new), 0.0), [0, 2, 3, 4, 5]);
        assert_eq!(rows(of(old), of(new), 1e-11), [3, 4, 5]);
        assert_eq!(rows(of(old), of(new), 1e-8), [3, 5]);
        assert_eq!(rows(of(old), of(old), 0.0), [0_usize; 0]);
    }

    #[test]
    fn each_type_can_be_compared() {
        let texts = |values: [Option<&str>; 3]| StringArray::from(values.to_vec());
        let old = texts([Some("a"), None, Some("b")]);
        assert_eq!(rows(old, texts([Some("a"), Some("b"), Some("c")]), 0.0), [1, 2]);
        let list = |last: i64| {
            let rows = [Some(vec![Some(1)]), None, Some(vec![Some(last), None])];
            ListArray::from_iter_primitive::<Int64Type, _, _>(rows)
        };
        assert_eq!(rows(list(2), list(3), 0.0), [2]);
        let pair = |value: i64| {
            let field = Arc::new(Field::new("a", DataType::Int64, true));
            let values: ArrayRef = Arc::new(Int64Array::from(vec![1, value]));
            StructArray::from(vec![(field, values)])
        };
        assert_eq!(rows(pair(1), pair(2), 0.0), [1]);
        let decimal = |value: i128| Decimal128Array::from(vec![1, value]);
        assert_eq!(rows(decimal(5), decimal(6), 0.5), [1], "a tolerance is for floats");
    }

    #[test]
    fn columns_are_matched_by_name_and_type() {
        let schema = |fields: &[(&str, DataType, bool)]| {
            let field = |(name, kind, null): &(&str, DataType, bool)| {
                Field::new(*name, kind.clone(), *null)
            };
            Schema::new(fields.iter().map(field).collect::<Vec<_>>())
        };
        let old = schema(&[
            ("a", DataType::Int64, true),
            ("b", DataType::Utf8, true),
            ("c", DataType::Utf8, true),
            ("d", DataType::Utf8, true),
        ]);
        let new = schema(&[
            ("c", DataType::Utf8, false),
            ("a", DataType::Int64, true),
            ("b", DataType::Int64, true),
            ("e", DataType::Utf8, true),
        ]);
        let columns = Columns::of(&old, &new);
        let common: Vec<_> = columns.common.iter().map(|(old, new, _)| (*old, *new)).collect();
        assert_eq!(common, [(0, 1), (2, 0)]);
        assert!(columns.is_reordered);
        let changes: Vec<String> = columns
            .changes
            .iter()
            .map(|change| {
                let type_of = |shown: &Option<String>| shown.clone().unwrap_or("-".to_owned());
                format!("{}: {} {}", change.column, type_of(&change.old), type_of(&change.new))
            })
            .collect();
        assert_eq!(changes, ["b: Utf8 Int64", "c: Utf8 Utf8 not null", "d: Utf8 -", "e: - Utf8"]);
        assert!(!Columns::of(&old, &old).is_reordered);
    }

    #[test]
    fn values_are_cut_and_printable() {
        let column: ArrayRef =
            Arc::new(StringArray::from(vec![Some("\u{1b}[31m"), None, Some(&"ü".repeat(900))]));
        assert_eq!(shown(&column, 0).unwrap().unwrap(), "\\u{1b}[31m");
        assert_eq!(shown(&column, 1).unwrap(), None);
        assert_eq!(shown(&column, 2).unwrap().unwrap().chars().count(), MAX_SHOWN + 2);
    }
}
