//! Which input rows an output consists of, checked against the batch, ready to be applied to columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::compute::{FilterBuilder, FilterPredicate, TakeOptions, take};
use arrow::error::ArrowError;

use crate::bindings::transform::Selection;

/// A selection that does not fit the batch it was returned for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionBreach {
    #[error("the selection bitmap holds {actual} bytes where {rows} rows need {expected}")]
    BitmapSize { rows: usize, expected: usize, actual: usize },
    #[error("the selection names row {index}; the batch has {rows} rows")]
    OutOfRange { index: u32, rows: usize },
}

/// Output rows in terms of the input rows of one batch.
#[derive(Debug)]
pub enum RowSelection {
    /// Every input row, in order.
    All { rows: usize },
    /// Some input rows, in order.
    Filter(FilterPredicate, BooleanBuffer),
    /// One input row per output row, in any order, repeats allowed.
    Take(UInt32Array),
    /// Rows that belong to no input row.
    Detached { rows: usize },
}

impl RowSelection {
    /// Checks a selection over a batch of `rows` rows.
    pub fn new(selection: Selection, rows: usize) -> Result<Self, SelectionBreach> {
        Ok(match selection {
            Selection::All => Self::All { rows },
            Selection::Bitmap(bytes) => {
                let expected = rows.div_ceil(8);
                if bytes.len() < expected {
                    return Err(SelectionBreach::BitmapSize {
                        rows,
                        expected,
                        actual: bytes.len(),
                    });
                }
                let mask = BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows);
                let predicate =
                    FilterBuilder::new(&BooleanArray::from(mask.clone())).optimize().build();
                if predicate.count() == rows {
                    Self::All { rows }
                } else {
                    Self::Filter(predicate, mask)
                }
            }
            Selection::Indices(indices) => {
                if let Some(&index) = indices.iter().find(|&&index| index as usize >= rows) {
                    return Err(SelectionBreach::OutOfRange { index, rows });
                }
                Self::Take(UInt32Array::from(indices))
            }
            Selection::Detached(rows) => Self::Detached { rows: rows as usize },
        })
    }

    /// How many output rows there are.
    pub fn len(&self) -> usize {
        match self {
            Self::All { rows } | Self::Detached { rows } => *rows,
            Self::Filter(predicate, _) => predicate.count(),
            Self::Take(indices) => indices.len(),
        }
    }

    /// Whether there are no output rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the output rows belong to no input row, so that input columns cannot be selected.
    pub fn is_detached(&self) -> bool {
        matches!(self, Self::Detached { .. })
    }

    /// Applies the selection to a column of one value per input row. For detached rows the column is all null.
    pub fn apply(&self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::All { .. } => Ok(Arc::clone(column)),
            Self::Filter(predicate, _) => predicate.filter(column),
            // The indices were checked when the selection was made.
            Self::Take(indices) => take(column, indices, Some(TakeOptions { check_bounds: false })),
            Self::Detached { rows } => Ok(arrow::array::new_null_array(column.data_type(), *rows)),
        }
    }

    /// Calls `mark` with each input row that is selected, as often as it is.
    pub fn for_each_input_row(&self, mut mark: impl FnMut(usize)) {
        match self {
            Self::All { rows } => (0..*rows).for_each(mark),
            Self::Filter(_, mask) => mask.set_indices().for_each(mark),
            Self::Take(indices) => indices.values().iter().for_each(|&index| mark(index as usize)),
            Self::Detached { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;
    use proptest::prelude::*;

    use super::*;

    /// The rows of `selection` by the words of the contract, one at a time.
    fn selected_rows(selection: &Selection, rows: usize) -> Vec<usize> {
        match selection {
            Selection::All => (0..rows).collect(),
            Selection::Bitmap(bytes) => {
                (0..rows).filter(|row| bytes[row / 8] >> (row % 8) & 1 == 1).collect()
            }
            Selection::Indices(indices) => indices.iter().map(|&index| index as usize).collect(),
            Selection::Detached(_) => Vec::new(),
        }
    }

    /// A number of rows, and a selection that fits it.
    fn fitting() -> impl Strategy<Value = (usize, Selection)> {
        (0..100_usize).prop_flat_map(|rows| {
            let bitmap = prop::collection::vec(any::<u8>(), rows.div_ceil(8)..20);
            let longest = if rows == 0 { 0 } else { 200 };
            let indices = prop::collection::vec(0..rows.max(1) as u32, 0..=longest);
            let selection = prop_oneof![
                Just(Selection::All),
                Just(Selection::Bitmap(vec![0xff; rows.div_ceil(8)])),
                bitmap.prop_map(Selection::Bitmap),
                indices.prop_map(Selection::Indices),
            ];
            (Just(rows), selection)
        })
    }

    proptest! {
        #[test]
        fn what_is_selected_is_what_the_contract_says((rows, selection) in fitting()) {
            let expected = selected_rows(&selection, rows);
            let checked = RowSelection::new(selection, rows).unwrap();
            prop_assert_eq!(checked.len(), expected.len());
            prop_assert_eq!(checked.is_empty(), expected.is_empty());
            prop_assert!(!checked.is_detached());
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
            let applied = checked.apply(&column).unwrap();
            let values = applied.as_primitive::<Int64Type>().values().iter();
            prop_assert!(values.map(|&value| value as usize).eq(expected.iter().copied()));
            let mut marked = Vec::new();
            checked.for_each_input_row(|row| marked.push(row));
            prop_assert_eq!(marked, expected);
        }

        #[test]
        fn indices_are_refused_where_any_is_out_of_range(
            rows in 0..100_usize,
            mut indices in prop::collection::vec(0..50_u32, 0..50),
            bad in 0..u32::MAX,
            place in any::<prop::sample::Index>(),
        ) {
            let bad = bad.max(rows as u32);
            indices.retain(|&index| (index as usize) < rows);
            indices.insert(place.index(indices.len() + 1), bad);
            let refused = RowSelection::new(Selection::Indices(indices), rows);
            prop_assert_eq!(refused.unwrap_err(), SelectionBreach::OutOfRange { index: bad, rows });
        }

        #[test]
        fn bitmaps_are_refused_where_bits_are_missing(rows in 1..100_usize, missing in 1..13_usize) {
            let expected = rows.div_ceil(8);
            let actual = expected.saturating_sub(missing);
            let refused = RowSelection::new(Selection::Bitmap(vec![0xff; actual]), rows);
            let breach = SelectionBreach::BitmapSize { rows, expected, actual };
            prop_assert_eq!(refused.unwrap_err(), breach);
        }
    }

    #[test]
    fn detached_rows_belong_to_no_input_row() {
        let detached = RowSelection::new(Selection::Detached(3), 5).unwrap();
        assert!(detached.is_detached());
        assert_eq!(detached.len(), 3);
        detached.for_each_input_row(|row| panic!("row {row} is no part of it"));
    }
}
