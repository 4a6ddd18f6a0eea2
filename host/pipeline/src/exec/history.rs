//! What a plugin that gathers from row to row was given, so that a fresh instance can be brought to where one was that is gone.
//!
//! Only the ranges of the calls are kept, not the rows: those are read from the node's input again. That is always a reader
//! of staged rows, since a step that needs all rows of a key begins a phase of its own ([`crate::plan`]).

use std::ops::Range;

use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use futures::StreamExt as _;
use wasmill_sandbox::fault::Fault;

use crate::exec::instance::Openable;
use crate::exec::rows::Numbered;
use crate::exec::unary::Input;

const EXPORT: &str = "process";

/// The calls that passed, in order, each with the trace of what came of it.
pub(crate) struct History<T> {
    input: Input,
    /// The schema of the rows, without positions.
    visible: SchemaRef,
    passed: Vec<(Range<u64>, T)>,
}

impl<T: PartialEq> History<T> {
    pub(crate) fn new(input: Input, visible: SchemaRef) -> Self {
        Self { input, visible, passed: Vec::new() }
    }

    pub(crate) fn push(&mut self, rows: Range<u64>, trace: T) {
        self.passed.push((rows, trace));
    }

    /// The rows of the calls that passed before the row `end`, each with the number of its first row; none where they hold
    /// more than `most` bytes.
    pub(crate) async fn rows_before(
        &self,
        end: u64,
        most: usize,
    ) -> Result<Option<Vec<(u64, Numbered)>>, DataFusionError> {
        let before = self.passed.partition_point(|(rows, _)| rows.end <= end);
        let mut calls = self.passed[..before].iter().peekable();
        let mut found = Vec::new();
        let (mut batches, mut first, mut bytes) = (self.input.read()?, 0, 0);
        while calls.peek().is_some() {
            let batch = batches
                .next()
                .await
                .ok_or_else(|| DataFusionError::External(Box::new(TooFewRows)))??;
            bytes += batch.get_array_memory_size();
            if bytes > most {
                return Ok(None);
            }
            let batch = Numbered::detach(&batch, &self.visible)?;
            let end = first + batch.batch.num_rows() as u64;
            // As in a replay: no call goes beyond a batch.
            while let Some((rows, _)) = calls.next_if(|(rows, _)| rows.start < end) {
                // A batch that is in memory has fewer rows than there are addresses.
                let range = (rows.start - first) as usize..(rows.end - first) as usize;
                found.push((rows.start, batch.slice(&range)));
            }
            first = end;
        }
        Ok(Some(found))
    }

    /// Makes all calls once more, on a fresh instance.
    ///
    /// # Errors
    ///
    /// The fault of a call; [`Fault::Unrepeatable`] when one comes to something else.
    pub(crate) async fn replay<N>(&self, open: &mut N::Open) -> Result<(), Fault>
    where
        N: Openable<Trace = T>,
    {
        let mut calls = self.passed.iter().peekable();
        if calls.peek().is_none() {
            return Ok(());
        }
        let mut batches = self.input.read().map_err(unreadable)?;
        let mut first = 0;
        while calls.peek().is_some() {
            let batch = batches.next().await.ok_or_else(|| unreadable(TooFewRows))?;
            let batch = Numbered::detach(&batch.map_err(unreadable)?, &self.visible);
            let batch = batch.map_err(unreadable)?.batch;
            let end = first + batch.num_rows() as u64;
            // No call goes beyond a batch, and batches are the same each time.
            while let Some((rows, trace)) = calls.next_if(|(rows, _)| rows.start < end) {
                let offset = usize::try_from(rows.start - first).map_err(unreadable)?;
                let length = usize::try_from(rows.end - rows.start).map_err(unreadable)?;
                let output = N::call(open, &batch.slice(offset, length), rows.start).await?;
                if N::trace(&output) != *trace {
                    return Err(Fault::Unrepeatable { export: EXPORT });
                }
            }
            first = end;
        }
        Ok(())
    }
}

/// The staged rows have become fewer.
#[derive(Debug, thiserror::Error)]
#[error("the step's input has fewer rows than it had")]
struct TooFewRows;

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::Host { export: EXPORT, source: Box::new(error) }
}
