//! Sources: what a run reads, divided into splits.
//!
//! A source knows its schema without reading all of it, divides itself into splits, and reads any of them
//! by its descriptor: on any worker, again after a failure, with the same rows in the same order.
//! A record that cannot be made into a row is no error: it is returned beside the rows.

pub mod arrow_ipc;
pub mod csv;
pub mod jsonl;
pub mod parquet;
pub mod sqlite;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::SchemaRef;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::error::{ConnectError, Result};

/// A source of rows.
pub trait Source: Send + Sync {
    /// The schema of the rows.
    fn schema(&self) -> SchemaRef;

    /// Divides the source. The same source, unchanged, is divided the same way again.
    fn splits(&self) -> BoxFuture<'_, Result<Vec<SourceSplit>>>;

    /// Reads a split, in batches of at most `batch_rows` rows.
    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>>;
}

/// A share of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceSplit {
    /// The connector's own: which file, which range.
    pub descriptor: serde_json::Value,
    /// Estimates, for progress display.
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
}

/// Some rows of a split, and records that are none.
#[derive(Debug)]
pub struct SourceBatch {
    pub batch: RecordBatch,
    /// The position of each row among the records of the split, counted from 0.
    pub positions: UInt64Array,
    pub bad_records: Vec<BadRecord>,
}

/// A record that could not be made into a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Among the records of the split, counted from 0.
    pub position: u64,
    /// Where a person would look for it, such as `orders.csv line 17`.
    pub place: String,
    /// The record as it was found.
    pub raw: Vec<u8>,
    /// What was wrong, as a short name such as `field-count`.
    pub rule: String,
    pub column: Option<String>,
    pub message: String,
}

impl SourceSplit {
    fn new<D: Serialize>(descriptor: &D, rows: Option<u64>, bytes: Option<u64>) -> Self {
        let descriptor = serde_json::to_value(descriptor).expect("descriptors are plain data");
        Self { descriptor, rows, bytes }
    }

    fn parse<D: for<'a> Deserialize<'a>>(&self) -> Result<D> {
        D::deserialize(&self.descriptor)
            .map_err(|_| ConnectError::Descriptor { descriptor: self.descriptor.to_string() })
    }
}

impl SourceBatch {
    /// A batch whose rows are all records from `first` on.
    fn contiguous(batch: RecordBatch, first: u64) -> Self {
        let positions = UInt64Array::from_iter_values(first..first + batch.num_rows() as u64);
        Self { batch, positions, bad_records: Vec::new() }
    }
}

/// Runs a blocking reader on a thread of its own, a few batches ahead of whoever reads the stream. The
/// thread ends when the stream is dropped.
fn blocking_stream<I>(
    open: impl FnOnce() -> Result<I> + Send + 'static,
) -> BoxStream<'static, Result<SourceBatch>>
where
    I: Iterator<Item = Result<SourceBatch>>,
{
    const BATCHES_AHEAD: usize = 2;
    let (sender, receiver) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || match open() {
        Ok(batches) => {
            for batch in batches {
                let failed = batch.is_err();
                if sender.blocking_send(batch).is_err() || failed {
                    return;
                }
            }
        }
        Err(error) => drop(sender.blocking_send(Err(error))),
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|batch| (batch, receiver))
    })
    .boxed()
}
