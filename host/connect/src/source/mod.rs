//! Sources: what a run reads, divided into splits.
//!
//! A source knows its schema without reading all of it, divides itself into splits, and reads any of them
//! by its descriptor: on any worker, again after a failure, with the same rows in the same order.
//! A record that cannot be made into a row is no error: it is returned beside the rows.
//!
//! A split names the files that it is of as they were when the source was divided. They are looked at before a split is read and again
//! after its last batch, so that rows of two states of a file are never taken for one ([`unchanged`]).

pub mod arrow_ipc;
pub mod csv;
pub mod jsonl;
pub mod parquet;
pub mod sqlite;
mod unchanged;

use arrow::array::{RecordBatch, UInt64Array};
use arrow::datatypes::SchemaRef;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

use crate::error::{ConnectError, Result};

/// A source of rows.
pub trait Source: Send + Sync {
    /// The schema of the rows.
    fn schema(&self) -> SchemaRef;

    /// Divides the source, as its configuration says, or into about as many splits as are `wanted`, where it can be divided so.
    /// The same source, unchanged, is divided the same way again: the splits are equal byte by byte as JSON.
    fn splits(&self, wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>>;

    /// Reads a split, in batches of at most `batch_rows` rows.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Changed`], at the beginning or at the end, where what is read is not what was there when the source was
    /// divided. So rows count only when the stream has come to its end.
    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>>;

    /// Whether [`reread`](Self::reread) can be asked for.
    fn can_reread(&self) -> bool {
        false
    }

    /// Makes rows of records that were none when they were read, from what was kept of them, as the source is configured now. They
    /// keep their positions and places. Those that are still none are bad records again.
    ///
    /// # Errors
    ///
    /// [`ConnectError::NotReread`] where [`can_reread`](Self::can_reread) says no.
    fn reread(
        &self,
        records: Vec<RawRecord>,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let (_, _) = (records, batch_rows);
        Err(ConnectError::NotReread)
    }
}

/// A record as it was kept: what is left of a [`BadRecord`] when why it was bad no longer matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Among the records of its split, counted from 0.
    pub position: u64,
    pub place: String,
    pub raw: Vec<u8>,
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

/// How many bytes a split has when a source is divided into `wanted` ones.
fn bytes_of_each(total: u64, wanted: u32) -> u64 {
    total.div_ceil(u64::from(wanted.max(1))).max(1)
}

/// Runs a blocking reader on a thread of its own, a few batches ahead of whoever reads the stream. The
/// thread ends when the stream is dropped.
fn blocking_stream<I>(
    open: impl FnOnce() -> Result<I> + Send + 'static,
) -> BoxStream<'static, Result<SourceBatch>>
where
    I: Iterator<Item = Result<SourceBatch>>,
{
    let (sender, receiver) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
    let reader = tokio::task::spawn_blocking(move || match open() {
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
    received(receiver, reader)
}

/// How far a reader is ahead.
const BATCHES_AHEAD: usize = 2;

/// What a reader sends. It has come to its end when the reader has, and not when it panicked on the way.
fn received(
    receiver: Receiver<Result<SourceBatch>>,
    reader: JoinHandle<()>,
) -> BoxStream<'static, Result<SourceBatch>> {
    let state = Some((receiver, reader));
    futures::stream::unfold(state, |state| async move {
        let (mut receiver, reader) = state?;
        if let Some(batch) = receiver.recv().await {
            return Some((batch, Some((receiver, reader))));
        }
        let message = reader.await.err()?.to_string();
        Some((Err(ConnectError::Panicked { message }), None))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_that_panics_has_not_read_all() {
        let panic = || std::panic::resume_unwind(Box::new("the file is odd"));
        let batches = move || Ok(std::iter::from_fn(panic));
        let read: Vec<_> = blocking_stream(batches).collect().await;
        let [Err(ConnectError::Panicked { message })] = &read[..] else { panic!("{read:?}") };
        assert!(message.contains("the file is odd"), "{message}");
    }

    #[test]
    fn a_source_is_divided_into_what_is_wanted() {
        assert_eq!(bytes_of_each(100, 3), 34);
        assert_eq!(bytes_of_each(100, 0), 100);
        assert_eq!(bytes_of_each(0, 5), 1);
        assert_eq!(bytes_of_each(u64::MAX, 1), u64::MAX);
    }
}
