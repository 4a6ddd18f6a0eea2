//! Output rows that belong to no input row: sums of a key, for one. When they come is the plugin's affair, and in which order,
//! so they are gathered until the end of the split and compared as a bag. What has no equal is then compared in order.

use std::collections::HashMap;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use crate::shadow::columns::{Columns, shown};
use crate::shadow::fates::{Comparison, compare_values};
use crate::shadow::tally::Tally;

/// More bytes of rows of one version and split are not kept.
const MAX_BYTES: usize = 128 << 20;

/// The rows of one version.
#[derive(Default)]
struct Gathered {
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Gathered {
    fn all(&self) -> Result<Option<RecordBatch>, ArrowError> {
        let Some(first) = self.batches.first() else { return Ok(None) };
        concat_batches(first.schema_ref(), &self.batches).map(Some)
    }
}

/// The rows of both versions, of one split.
#[derive(Default)]
pub(super) struct Detached {
    old: Gathered,
    new: Gathered,
    /// Whether there were too many.
    is_overfull: bool,
}

impl Detached {
    pub(super) fn add_old(&mut self, batches: Vec<RecordBatch>) {
        self.is_overfull |= add(&mut self.old, batches);
        self.limit();
    }

    pub(super) fn add_new(&mut self, batches: Vec<RecordBatch>) {
        self.is_overfull |= add(&mut self.new, batches);
        self.limit();
    }

    fn limit(&mut self) {
        if self.is_overfull {
            (self.old, self.new) = Default::default();
        }
    }

    /// Compares what was gathered.
    pub(super) fn compare(
        self,
        comparison: Comparison<'_>,
        columns: &Columns,
        tally: &mut Tally,
    ) -> Result<(), ArrowError> {
        if self.is_overfull {
            tally.unmatched_splits += 1;
            return Ok(());
        }
        let (old, new) = (self.old.all()?, self.new.all()?);
        let (old, new) = match (old, new) {
            (None, None) => return Ok(()),
            (Some(old), None) => (old.clone(), old.slice(0, 0)),
            (None, Some(new)) => (new.slice(0, 0), new),
            (Some(old), Some(new)) => without_equals(&old, &new)?,
        };
        let both = old.num_rows().min(new.num_rows());
        let (left, right) = (old.slice(0, both), new.slice(0, both));
        let paired = (left.columns(), right.columns());
        compare_values(comparison, columns, paired, tally, |_| None)?;
        let limit = comparison.comparing.examples;
        for row in both..old.num_rows() {
            let example = || Ok(comparison.example(None, Some(whole(columns, &old, row)?), None));
            tally.only_old.try_add::<ArrowError>(limit, example)?;
        }
        for row in both..new.num_rows() {
            let example = || Ok(comparison.example(None, None, Some(whole(columns, &new, row)?)));
            tally.only_new.try_add::<ArrowError>(limit, example)?;
        }
        Ok(())
    }
}

/// Adds rows; whether they are too many now.
fn add(gathered: &mut Gathered, batches: Vec<RecordBatch>) -> bool {
    gathered.bytes += batches.iter().map(RecordBatch::get_array_memory_size).sum::<usize>();
    gathered.batches.extend(batches);
    gathered.bytes > MAX_BYTES
}

/// The rows of each side that have no equal, one for one, on the other.
fn without_equals(
    old: &RecordBatch,
    new: &RecordBatch,
) -> Result<(RecordBatch, RecordBatch), ArrowError> {
    let fields = old.columns().iter().map(|column| SortField::new(column.data_type().clone()));
    let fields: Vec<SortField> = fields.collect();
    if fields.is_empty() || !RowConverter::supports_fields(&fields) {
        return Ok((old.clone(), new.clone()));
    }
    let converter = RowConverter::new(fields)?;
    let (old_rows, new_rows) =
        (converter.convert_columns(old.columns())?, converter.convert_columns(new.columns())?);
    let mut unmatched: HashMap<&[u8], Vec<u32>> = HashMap::new();
    for row in (0..old.num_rows()).rev() {
        unmatched.entry(old_rows.row(row).data()).or_default().push(row as u32);
    }
    let mut is_left = vec![true; old.num_rows()];
    let mut right = Vec::new();
    for row in 0..new.num_rows() {
        match unmatched.get_mut(new_rows.row(row).data()).and_then(Vec::pop) {
            Some(equal) => is_left[equal as usize] = false,
            None => right.push(row as u32),
        }
    }
    let left = (0..old.num_rows() as u32).filter(|&row| is_left[row as usize]);
    let left = take_record_batch(old, &UInt32Array::from_iter_values(left))?;
    Ok((left, take_record_batch(new, &UInt32Array::from(right))?))
}

/// A row for a person.
fn whole(columns: &Columns, batch: &RecordBatch, row: usize) -> Result<String, ArrowError> {
    let values = columns.common.iter().zip(batch.columns()).map(|((_, _, name), column)| {
        Ok(format!("{name}: {}", shown(column, row)?.unwrap_or_else(|| "null".to_owned())))
    });
    Ok(values.collect::<Result<Vec<_>, ArrowError>>()?.join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, StringArray};

    use super::*;
    use crate::shadow::Comparing;

    fn sums(rows: &[(&str, f64)]) -> RecordBatch {
        let keys: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
        let sums: ArrayRef = Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.1)));
        RecordBatch::try_from_iter([("key", keys), ("sum", sums)]).unwrap()
    }

    fn compared(old: &[&[(&str, f64)]], new: &[&[(&str, f64)]], tolerance: f64) -> Tally {
        let batches = |batches: &[&[(&str, f64)]]| batches.iter().map(|rows| sums(rows)).collect();
        let mut detached = Detached::default();
        detached.add_old(batches(old));
        detached.add_new(batches(new));
        let comparing = Comparing { tolerance, ..Comparing::default() };
        let comparison = Comparison { comparing: &comparing, split: "s" };
        let schema = sums(&[]).schema();
        let mut tally = Tally::default();
        detached.compare(comparison, &Columns::of(&schema, &schema), &mut tally).unwrap();
        tally
    }

    #[test]
    fn the_order_does_not_matter_and_the_number_does() {
        let tally = compared(
            &[&[("a", 1.0), ("b", 2.0)], &[("a", 1.0)]],
            &[&[("a", 1.0), ("a", 1.0), ("b", 2.0)]],
            0.0,
        );
        assert!(tally.values.is_empty());
        assert_eq!((tally.only_old.rows, tally.only_new.rows), (0, 0));
        let tally = compared(&[&[("a", 1.0)]], &[&[("b", 2.0), ("a", 1.0)]], 0.0);
        assert_eq!((tally.only_old.rows, tally.only_new.rows), (0, 1));
        assert_eq!(tally.only_new.examples[0].new.as_deref(), Some("key: b, sum: 2.0"));
        assert_eq!(compared(&[&[("a", 1.0)]], &[], 0.0).only_old.rows, 1);
    }

    #[test]
    fn what_has_no_equal_is_compared_in_order() {
        let old = [("a", 1.0), ("b", 2.0), ("c", 3.0)];
        let new = [("c", 3.0), ("a", 1.5), ("b", 2.0)];
        let tally = compared(&[&old], &[&new], 0.0);
        assert_eq!(tally.values["sum"].rows, 1);
        assert!(!tally.values.contains_key("key"));
        assert!(compared(&[&old], &[&new], 0.5).values.is_empty());
    }
}
