//! Sinks: where a run's rows go, in two steps.
//!
//! Each attempt at a split **stages** its rows where no reader of the target sees them. When all splits are
//! accepted and the gate is passed, the staged parts that count are **committed**, once per run: a
//! commit that is repeated after a crash finds what is done already and does the rest.

pub mod discard;
pub mod files;
mod hashed_file;
pub mod ipc;
mod parquet_file;
pub mod sqlite;

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// A target for rows.
pub trait Sink: Send + Sync {
    /// Where the rows go, for a person.
    fn target(&self) -> String;

    /// Whether rows of this schema can be written there: types, existing tables, permissions. Changes nothing
    /// that a reader could see.
    fn check(&self, schema: SchemaRef) -> BoxFuture<'_, Result<()>>;

    /// Starts to stage one attempt at a split. `stem` is unique among the splits of the run and the same
    /// for each attempt; `attempt` is unique among all attempts. `scratch` is this sink's own folder for
    /// the run, for sinks that have none beside their target.
    fn stage(
        &self,
        schema: SchemaRef,
        part: &PartName,
        scratch: &Path,
    ) -> Result<Box<dyn StageWriter>>;

    /// Makes the staged parts visible. Repeating it does nothing more.
    fn commit<'a>(
        &'a self,
        schema: SchemaRef,
        run: &'a str,
        parts: &'a [StagedPart],
    ) -> BoxFuture<'a, Result<CommitReport>>;

    /// Removes everything that any attempt of the run staged and that was not committed.
    fn sweep(&self, run: &str) -> Result<()>;
}

/// What one attempt at one split is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartName {
    pub run: String,
    /// Of the split: unique within the run, and orders the parts.
    pub stem: String,
    /// Unique among all attempts at all splits.
    pub attempt: String,
}

/// Writes the rows of one attempt.
pub trait StageWriter: Send {
    /// Writes a batch, but for the rows that the target would refuse, which are returned.
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<Rejection>>;

    /// Ends the attempt: what was written is on disk when this returns.
    fn finish(self: Box<Self>) -> Result<StagedPart>;
}

/// A row that the target would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Within the batch.
    pub row: u32,
    pub rule: &'static str,
    pub column: Option<String>,
    pub message: String,
}

/// The rows of one attempt at one split, staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedPart {
    pub stem: String,
    pub path: PathBuf,
    pub rows: u64,
    pub bytes: u64,
    /// Of the file's content, hexadecimal.
    pub sha256: String,
}

/// What a commit made visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitReport {
    /// Where a person finds it.
    pub target: String,
    pub rows: u64,
    pub bytes: u64,
    /// The files that were published, where the target consists of files.
    pub files: Vec<PathBuf>,
}

/// What happens to rows that a target already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// They stay.
    Append,
    /// They go.
    Replace,
}
