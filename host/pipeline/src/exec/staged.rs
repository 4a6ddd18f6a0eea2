//! Reading what an earlier phase staged: part by part, or only the rows of some keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow_ipc::reader::FileReader;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::error::{DataFusionError, Result};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::exec::read_splits::SplitReader;
use crate::exec::rows::{Numbered, counted, with_row};
use crate::exec::task::Task;

/// What a task reads of staged rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StagedSplit {
    /// One part, with the positions that its rows have.
    Part { file: PathBuf },
    /// All parts in order, of which only the rows count whose key falls to one share; positions are new.
    Share { files: Vec<PathBuf>, share: u32, of: u32 },
}

/// Reads staged rows of a step.
pub(crate) struct StagedSplits {
    /// The step whose rows they are.
    pub(crate) step: String,
    /// Without positions; may be more nullable than what was staged.
    pub(crate) visible: SchemaRef,
    /// The columns of the key, for shares.
    pub(crate) key: Vec<usize>,
}

impl SplitReader for StagedSplits {
    fn label(&self) -> &str {
        &self.step
    }

    fn schema(&self) -> SchemaRef {
        with_row(&self.visible)
    }

    fn read(
        &self,
        descriptor: &str,
        _task: Option<&Arc<Task>>,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let split = match serde_json::from_str::<StagedSplit>(descriptor) {
            Ok(split) => split,
            Err(error) => {
                let error = DataFusionError::External(Box::new(error));
                return futures::stream::iter([Err(error)]).boxed();
            }
        };
        let (visible, schema) = (Arc::clone(&self.visible), self.schema());
        match split {
            StagedSplit::Part { file } => batches(vec![file])
                .map(move |batch| {
                    let numbered = Numbered::detach(&batch?, &visible)?;
                    Ok(numbered.attach(&schema)?)
                })
                .boxed(),
            StagedSplit::Share { files, share, of } => {
                let key = self.key.clone();
                let mut next = 0;
                batches(files)
                    .map(move |batch| {
                        let batch = Numbered::detach(&batch?, &visible)?.batch;
                        let batch = share_of(&batch, &key, share, of)?;
                        let rows = counted(next, batch.num_rows());
                        next += batch.num_rows() as u64;
                        Ok(Numbered { batch, rows }.attach(&schema)?)
                    })
                    .boxed()
            }
        }
    }
}

/// The batches of staged files, read a few ahead on a thread of its own.
fn batches(files: Vec<PathBuf>) -> BoxStream<'static, Result<RecordBatch>> {
    const BATCHES_AHEAD: usize = 2;
    let (sender, receiver) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
    tokio::task::spawn_blocking(move || {
        for file in files {
            let batches = match open(&file) {
                Ok(batches) => batches,
                Err(error) => return drop(sender.blocking_send(Err(error))),
            };
            for batch in batches {
                let batch = batch.map_err(DataFusionError::from);
                if sender.blocking_send(batch).is_err() {
                    return;
                }
            }
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|batch| (batch, receiver))
    })
    .boxed()
}

fn open(file: &Path) -> Result<impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>> {
    let input = std::fs::File::open(file).map_err(|error| {
        DataFusionError::External(format!("cannot open {}: {error}", file.display()).into())
    })?;
    Ok(FileReader::try_new_buffered(input, None)?)
}

/// The rows whose key falls to one share. The hash is the same on every machine and in every run.
fn share_of(batch: &RecordBatch, key: &[usize], share: u32, of: u32) -> Result<RecordBatch> {
    if of == 1 {
        return Ok(batch.clone());
    }
    let columns: Vec<ArrayRef> =
        key.iter().map(|&column| Arc::clone(batch.column(column))).collect();
    let mut hashes = vec![0_u64; batch.num_rows()];
    create_hashes(&columns, &RandomState::with_seed(0), &mut hashes)?;
    let belongs = UInt64Array::from(hashes);
    let mask = belongs.values().iter().map(|hash| hash % u64::from(of) == u64::from(share));
    Ok(filter_record_batch(batch, &mask.collect::<Vec<bool>>().into())?)
}
