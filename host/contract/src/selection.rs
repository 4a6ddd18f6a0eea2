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
