//! How much the host copies when it applies selections: the guard against outputs that multiply rows.
//!
//! A selection costs a guest four bytes a row, and may name the same row over and over. The host would then
//! copy that row's values as often, kept columns included, which no limit on what the guest returns can
//! see. So the bytes are added up before they are copied. A batch may be copied once for free.

use arrow::array::{Array, ArrayData, ArrayRef, RecordBatch};
use arrow::datatypes::{ArrowNativeType, DataType};
use arrow::error::ArrowError;

use crate::selection::RowSelection;

/// Selections that would copy too much.
#[derive(Debug, thiserror::Error)]
pub enum CopyBreach {
    #[error(
        "the selected rows hold more than {limit} bytes, which is what the batch holds and the limit \
         output_bytes together"
    )]
    TooManyBytes { limit: u64 },
    #[error("cannot apply a selection")]
    Apply(#[from] ArrowError),
}

/// What the selections of one batch may still copy.
#[derive(Debug)]
pub(crate) struct CopyBudget {
    /// None where no row is copied more than once.
    limited: Option<Limited>,
}

#[derive(Debug)]
struct Limited {
    limit: u64,
    left: u64,
}

impl CopyBudget {
    /// For `selections` over `input`, which may copy `bytes` more than the input holds.
    pub(crate) fn new(input: &RecordBatch, selections: &[RowSelection], bytes: u64) -> Self {
        let copies_once = match selections {
            [] => true,
            [selection] => !matches!(selection, RowSelection::Take(_)),
            _ => false,
        };
        if copies_once {
            return Self { limited: None };
        }
        let positions: Vec<usize> = (0..input.num_columns()).collect();
        let input_bytes = held_bytes(input, &positions);
        let limit = input_bytes.saturating_add(bytes);
        Self { limited: Some(Limited { limit, left: limit }) }
    }

    /// Applies a selection to a column of one value per input row.
    pub(crate) fn apply(
        &mut self,
        selection: &RowSelection,
        column: &ArrayRef,
    ) -> Result<ArrayRef, CopyBreach> {
        if let Some(limited) = &mut self.limited {
            let bytes = selected_bytes(selection, column);
            limited.left = limited
                .left
                .checked_sub(bytes)
                .ok_or(CopyBreach::TooManyBytes { limit: limited.limit })?;
        }
        Ok(selection.apply(column)?)
    }
}

/// How many bytes the rows of `batch` hold in the columns at `positions`, without their validity.
pub fn held_bytes(batch: &RecordBatch, positions: &[usize]) -> u64 {
    let columns = positions.iter().map(|&position| batch.column(position));
    columns
        .map(|column| match column.data_type().primitive_width() {
            Some(width) => (column.len() as u64).saturating_mul(width as u64),
            None => range_bytes(&column.to_data(), 0, column.len()),
        })
        .fold(0, u64::saturating_add)
}

/// How many bytes the selected values of `column` have.
fn selected_bytes(selection: &RowSelection, column: &ArrayRef) -> u64 {
    let data = column.to_data();
    let sum = |bytes: u64, (start, end)| bytes.saturating_add(range_bytes(&data, start, end));
    match selection {
        // The column itself is passed on.
        RowSelection::All { .. } | RowSelection::Detached { .. } => 0,
        RowSelection::Filter(_, mask) => mask.set_slices().fold(0, sum),
        RowSelection::Take(indices) => match data.data_type().primitive_width() {
            Some(width) => (indices.len() as u64).saturating_mul(width as u64),
            None => {
                let rows = indices.values().iter().map(|&index| index as usize);
                rows.map(|row| (row, row + 1)).fold(0, sum)
            }
        },
    }
}

/// How many bytes the values from `start` to `end` have, without their validity.
fn range_bytes(data: &ArrayData, start: usize, end: usize) -> u64 {
    let rows = (end - start) as u64;
    let wide = |width: usize| rows.saturating_mul(width as u64);
    let children = |start, end| {
        let children = data.child_data().iter();
        children.map(|child| range_bytes(child, start, end)).fold(0, u64::saturating_add)
    };
    match data.data_type() {
        // They have no bytes. But those of a list are each counted out by an index when rows are selected.
        DataType::Null => wide(8),
        DataType::Struct(fields) if fields.is_empty() => wide(8),
        DataType::Boolean => rows.div_ceil(8),
        DataType::FixedSizeBinary(size) => wide(*size as usize),
        DataType::Utf8 | DataType::Binary => {
            let (first, last) = offsets::<i32>(data, start, end);
            wide(4).saturating_add((last - first) as u64)
        }
        DataType::LargeUtf8 | DataType::LargeBinary => {
            let (first, last) = offsets::<i64>(data, start, end);
            wide(8).saturating_add((last - first) as u64)
        }
        // Views are copied, what they refer to is shared.
        DataType::Utf8View | DataType::BinaryView | DataType::LargeListView(_) => wide(16),
        DataType::ListView(_) => wide(8),
        DataType::List(_) | DataType::Map(..) => {
            let (first, last) = offsets::<i32>(data, start, end);
            wide(4).saturating_add(children(first, last))
        }
        DataType::LargeList(_) => {
            let (first, last) = offsets::<i64>(data, start, end);
            wide(8).saturating_add(children(first, last))
        }
        DataType::FixedSizeList(_, size) => {
            let (size, offset) = (*size as usize, data.offset());
            children((offset + start) * size, (offset + end) * size)
        }
        // The children of a struct are sliced together with it.
        DataType::Struct(_) => children(start, end),
        DataType::Dictionary(key, _) => wide(key.primitive_width().unwrap_or(8)),
        // Unions and run-end-encoded columns: no row of theirs has bytes of its own to count, so each
        // counts for the average.
        DataType::Union(..) | DataType::RunEndEncoded(..) => {
            wide(data.get_array_memory_size().div_ceil(data.len().max(1)))
        }
        fixed_width => wide(fixed_width.primitive_width().unwrap_or(16)),
    }
}

/// The offsets at `start` and at `end`.
fn offsets<O: ArrowNativeType>(data: &ArrayData, start: usize, end: usize) -> (usize, usize) {
    if start == end {
        // An empty array may come without any offset.
        return (0, 0);
    }
    let offsets = data.buffer::<O>(0);
    (offsets[start].as_usize(), offsets[end].as_usize())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{FixedSizeListArray, NullArray, RecordBatchOptions, StringArray};
    use arrow::datatypes::{Field, Schema};
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::any_array;
    use crate::bindings::transform::Selection;

    fn batch(column: ArrayRef) -> RecordBatch {
        let field = Field::new("column", column.data_type().clone(), true);
        let options = RecordBatchOptions::new().with_row_count(Some(column.len()));
        let schema = Arc::new(Schema::new(vec![field]));
        RecordBatch::try_new_with_options(schema, vec![column], &options).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// What is counted before the copy is what the copy then holds.
        #[test]
        fn the_count_is_that_of_the_result(
            column in any_array(30),
            (start, rows) in (0..10_usize, 1..20_usize),
            indices in prop::collection::vec(0..20_u32, 0..60),
            bits in prop::array::uniform3(any::<u8>()),
        ) {
            let column = column.slice(start, rows);
            let indices: Vec<u32> =
                indices.into_iter().filter(|&index| (index as usize) < rows).collect();
            for selection in [Selection::Indices(indices), Selection::Bitmap(bits.to_vec())] {
                let selection = RowSelection::new(selection, rows).unwrap();
                let copied = selection.apply(&column).unwrap();
                let held = range_bytes(&copied.to_data(), 0, copied.len());
                if !matches!(selection, RowSelection::All { .. }) {
                    prop_assert!(selected_bytes(&selection, &column) >= held);
                }
            }
        }
    }

    #[test]
    fn a_batch_may_be_copied_once_and_the_limit_on_top() {
        // 2 offsets of 4 bytes are counted, and 100 bytes of text.
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(100), String::new()]));
        let batch = batch(Arc::clone(&text));
        let select = |indices: Vec<u32>, bytes| {
            let selection = RowSelection::new(Selection::Indices(indices), 2).unwrap();
            let selections = [selection];
            let mut budget = CopyBudget::new(&batch, &selections, bytes);
            budget.apply(&selections[0], &text).map(|copied| copied.len())
        };
        assert_eq!(select(vec![1, 0], 0).unwrap(), 2);
        assert_eq!(select(vec![0, 0], 100).unwrap(), 2);
        let breach = select(vec![0, 0], 99).unwrap_err();
        assert!(matches!(breach, CopyBreach::TooManyBytes { limit: 207 }), "{breach}");
    }

    #[test]
    fn nulls_in_lists_are_not_free() {
        let item = Arc::new(Field::new("item", DataType::Null, true));
        let nulls = Arc::new(NullArray::new(1 << 20));
        let list: ArrayRef = Arc::new(FixedSizeListArray::new(item, 1 << 20, nulls, None));
        let selections = [RowSelection::new(Selection::Indices(vec![0; 1_000]), 1).unwrap()];
        let mut budget = CopyBudget::new(&batch(Arc::clone(&list)), &selections, 64 << 20);
        budget.apply(&selections[0], &list).unwrap_err();
    }

    #[test]
    fn several_outputs_share_the_budget() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(100), String::new()]));
        let batch = batch(Arc::clone(&text));
        let first_row = || RowSelection::new(Selection::Bitmap(vec![0b01]), 2).unwrap();
        let selections = [first_row(), first_row()];
        let mut budget = CopyBudget::new(&batch, &selections, 0);
        budget.apply(&selections[0], &text).unwrap();
        budget.apply(&selections[1], &text).unwrap_err();
    }
}
