//! Some of the rows that each step's plugin saw: the beginnings of the first batches.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;

use crate::events::{Event, Observer};

/// How many batches of a step are kept.
pub(super) const MAX_BATCHES: usize = 3;
/// How many rows of each: hints take several calls for each column.
pub(super) const MAX_ROWS: usize = 1_024;

/// Watches runs, keeps rows, and tells nobody of anything else.
#[derive(Default)]
pub(super) struct Samples {
    steps: Mutex<BTreeMap<String, Vec<RecordBatch>>>,
}

impl Samples {
    /// The rows of a step; none where its plugin saw none, or does not treat batches independently.
    pub(super) fn of(&self, step: &str) -> Vec<RecordBatch> {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.get(step).cloned().unwrap_or_default()
    }
}

impl Observer for Samples {
    fn event(&self, _event: Event) {}

    fn seen(&self, step: &str, rows: &RecordBatch) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        match steps.get_mut(step) {
            Some(batches) if batches.len() >= MAX_BATCHES => {}
            Some(batches) => batches.push(beginning(rows)),
            None => drop(steps.insert(step.to_owned(), vec![beginning(rows)])),
        }
    }
}

fn beginning(rows: &RecordBatch) -> RecordBatch {
    rows.slice(0, rows.num_rows().min(MAX_ROWS))
}
