//! The first rows of a source, and the records among them that are no rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use futures::StreamExt as _;
use wasmill_connect::error::ConnectError;
use wasmill_connect::source::{BadRecord, Source};
use wasmill_sandbox::contract::extracted::ExtractBinding;
use wasmill_sandbox::contract::finding::bounded_text;
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::fault::Fault;

use crate::checked::{SourceReader, SourceWork, Step};
use crate::error::StepError;
use crate::exec::rows::{Numbered, counted};
use crate::run::failure::RunFailure;
use crate::sample::report::RefusedRecord;

/// More is not read, however few rows it is.
const MAX_BYTES: usize = 64 << 20;
/// More records that are no rows are only counted.
const MAX_REFUSED: usize = 10;

/// Some rows of one split, in their order.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) split: String,
    pub(super) rows: Arc<Numbered>,
}

/// What was read of a source.
#[derive(Default)]
pub(super) struct Read {
    pub(super) parts: Vec<Part>,
    pub(super) rows: usize,
    bytes: usize,
    /// Whether there was nothing more.
    pub(super) is_whole: bool,
    /// The first records that are no rows.
    pub(super) refused: Vec<RefusedRecord>,
    pub(super) refused_records: u64,
}

/// Reads the first `rows` rows, from one split after another.
pub(super) async fn read(
    step: &Step,
    work: &SourceWork,
    batch_rows: usize,
    seed: impl Fn(&str) -> u64,
    rows: usize,
) -> Result<Read, RunFailure> {
    let batch_rows = batch_rows.min(rows).max(1);
    let mut read = Read::default();
    read.is_whole = match &work.reader {
        SourceReader::Connector(source) => {
            connector(&mut read, step, source.as_ref(), batch_rows, rows).await?
        }
        SourceReader::Plugin { extractor, binding, .. } => {
            plugin(&mut read, step, extractor, binding, batch_rows, seed, rows).await?
        }
    };
    Ok(read)
}

/// Returns whether it came to the end.
async fn connector(
    read: &mut Read,
    step: &Step,
    source: &dyn Source,
    batch_rows: usize,
    rows: usize,
) -> Result<bool, RunFailure> {
    // As few as can be: to find where to cut a large file takes a pass over all of it.
    let splits = source.splits(Some(1)).await;
    let splits = splits.map_err(|source| RunFailure::Splits { step: step.name.clone(), source })?;
    for (index, split) in splits.iter().enumerate() {
        let id = split_id(step, index);
        let failed = |source: ConnectError| {
            let (step, split) = (step.name.clone(), id.clone());
            RunFailure::from(Arc::new(StepError::Connector { step, split, source }))
        };
        let mut batches = source.read(split, batch_rows).map_err(failed)?;
        while let Some(batch) = batches.next().await {
            let batch = batch.map_err(failed)?;
            read.refuse(&batch.bad_records);
            read.take(step, &id, batch.batch, Arc::new(batch.positions), rows)?;
            if read.has_enough(rows) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

async fn plugin(
    read: &mut Read,
    step: &Step,
    extractor: &Extractor,
    binding: &Arc<ExtractBinding>,
    batch_rows: usize,
    seed: impl Fn(&str) -> u64,
    rows: usize,
) -> Result<bool, RunFailure> {
    let planning = |fault| RunFailure::Plugin { step: step.name.clone(), fault: Box::new(fault) };
    let splits = extractor.plan(&[]).await.map_err(planning)?;
    let batch_rows = u32::try_from(batch_rows).unwrap_or(u32::MAX);
    for (index, split) in splits.iter().enumerate() {
        let id = split_id(step, index);
        let failed = |fault: Fault| {
            let (step, split) = (step.name.clone(), id.clone());
            RunFailure::from(Arc::new(StepError::Plugin { step, split, fault }))
        };
        let open = extractor.open(Arc::clone(binding), split, seed(&id)).await;
        let mut open = open.map_err(failed)?;
        let mut position = 0;
        while let Some(extracted) = open.next(batch_rows).await.map_err(failed)? {
            let numbers = counted(position, extracted.batch.num_rows());
            position += extracted.batch.num_rows() as u64;
            let bad: Vec<BadRecord> = extracted
                .bad_records
                .into_iter()
                .zip(position..)
                .map(|(record, position)| BadRecord {
                    position,
                    place: record.position,
                    raw: record.raw,
                    rule: record.rule,
                    column: None,
                    message: record.message,
                })
                .collect();
            position += bad.len() as u64;
            read.refuse(&bad);
            read.take(step, &id, extracted.batch, numbers, rows)?;
            if read.has_enough(rows) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// As a run names the splits of a source. Of a file that a run cuts into several, the first split here is all of it.
fn split_id(step: &Step, index: usize) -> String {
    format!("{}-{index:05}", step.name)
}

impl Read {
    fn has_enough(&self, rows: usize) -> bool {
        self.rows >= rows || self.bytes >= MAX_BYTES
    }

    fn take(
        &mut self,
        step: &Step,
        split: &str,
        batch: RecordBatch,
        numbers: ArrayRef,
        most: usize,
    ) -> Result<(), RunFailure> {
        let rows = batch.num_rows().min(most - self.rows.min(most));
        if rows == 0 {
            return Ok(());
        }
        self.rows += rows;
        self.bytes += batch.get_array_memory_size();
        let batch = batch.with_schema(Arc::clone(&step.schema)).map_err(|error| {
            let (step, split) = (step.name.clone(), split.to_owned());
            RunFailure::from(Arc::new(StepError::Host { step, split, message: error.to_string() }))
        })?;
        let rows = Numbered { batch, rows: numbers }.slice(&(0..rows));
        self.parts.push(Part { split: split.to_owned(), rows: Arc::new(rows) });
        Ok(())
    }

    fn refuse(&mut self, records: &[BadRecord]) {
        self.refused_records += records.len() as u64;
        let room = MAX_REFUSED.saturating_sub(self.refused.len());
        self.refused.extend(records.iter().take(room).map(|record| RefusedRecord {
            place: bounded_text(record.place.clone()),
            rule: record.rule.clone(),
            column: record.column.clone(),
            message: bounded_text(record.message.clone()),
            record: bounded_text(String::from_utf8_lossy(&record.raw).into_owned()),
        }));
    }
}
