//! Sinks: where a run's rows go, in two steps.
//!
//! Each attempt at a split **stages** its rows where no reader of the target sees them. When all splits are
//! accepted and the gate is passed, the staged parts that count are **committed**, once per run: a
//! commit that is repeated after a crash finds what is done already and does the rest.
//!
//! What every sink holds to, wherever a process dies ([`crash`](crate::crash)), shown by `tests/sinks.rs`:
//!
//! - A commit shows the rows of its parts, each once, and of no other attempt.
//! - A commit that is repeated, by another process at the same time or later, changes nothing more, also when what was staged
//!   is swept and when later runs were published meanwhile.
//! - A part that is not what was staged is an error before anything is published.
//! - A sweep keeps what it is told to keep, and can be repeated.

pub mod discard;
pub mod file;
pub mod files;
mod hashed_file;
pub mod ipc;
pub mod parquet_file;
pub mod sqlite;

use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use blake3::Hasher;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::error::{ConnectError, Result};

/// A target for rows.
pub trait Sink: Send + Sync {
    /// Where the rows go, for a person.
    fn target(&self) -> String;

    /// What holds for the rows of a run, whatever happens to the processes that work on it.
    fn guarantee(&self) -> Guarantee;

    /// Whether a run takes away the rows of the runs before it.
    fn replaces(&self) -> bool;

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

    /// Makes the staged parts visible. Repeating it with the same parts does nothing more.
    fn commit<'a>(
        &'a self,
        schema: SchemaRef,
        run: &'a str,
        parts: &'a [StagedPart],
        publish: Publish,
    ) -> BoxFuture<'a, Result<CommitReport>>;

    /// Removes everything beside the target that attempts of the run staged, but for the parts in `keep`. Without any to keep,
    /// the run is over: its commit removes no rows of other runs from then on. What is in the scratch folder is swept by its owner.
    fn sweep(&self, run: &str, keep: &[StagedPart]) -> Result<()>;

    /// The runs that have something staged beside the target, sorted.
    fn staged_runs(&self) -> Result<Vec<String>>;
}

/// What becomes of rows that the target holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// As the sink's mode says.
    AsConfigured,
    /// They stay, whatever the mode: for rows of a quarantine that are put through again. Rows with the same key are still merged.
    Added,
}

/// What holds for the rows of a run, whatever happens to the processes that work on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// Each row is there once, all of them from one moment on.
    AtOnce,
    /// Each row is there once, when the commit is done; until then a reader may see some.
    FileByFile,
    /// No row is there.
    Nothing,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "exactly once, all or nothing",
            Self::FileByFile => {
                "exactly once; a reader may see some of a run's files before the others"
            }
            Self::Nothing => "nothing is written",
        })
    }
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
    /// Of the file's content: `blake3:` and the hash, hexadecimal.
    pub checksum: String,
}

impl StagedPart {
    /// Whether the part is as it was staged: a run that goes on after a crash asks before it relies on it. Reads all of it.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Damaged`] where it is gone or another one.
    pub fn verify(&self) -> Result<()> {
        if self.is_nowhere() {
            return Ok(());
        }
        let read = || ConnectError::io("cannot read", &self.path);
        let mut file = match std::fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(self.gone()),
            Err(error) => return Err(read()(error)),
        };
        self.verify_size(file.metadata().map_err(read())?.len())?;
        let mut hash = Hasher::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = file.read(&mut buffer).map_err(read())?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
        }
        let found = checksum(&hash);
        if found == self.checksum {
            Ok(())
        } else {
            Err(self
                .damaged(format!("its checksum is {found}, it was staged with {}", self.checksum)))
        }
    }

    /// Whether there is no file, as of a sink that writes nothing.
    fn is_nowhere(&self) -> bool {
        self.path.as_os_str().is_empty()
    }

    fn verify_size(&self, bytes: u64) -> Result<()> {
        if bytes == self.bytes {
            Ok(())
        } else {
            Err(self.damaged(format!("it has {bytes} bytes, it was staged with {}", self.bytes)))
        }
    }

    fn gone(&self) -> ConnectError {
        self.damaged("it was staged, and is gone".to_owned())
    }

    fn damaged(&self, message: String) -> ConnectError {
        ConnectError::Damaged { path: self.path.clone(), message }
    }
}

fn checksum(hash: &Hasher) -> String {
    format!("blake3:{}", hash.finalize().to_hex())
}

/// Whether a folder can be written to, found out by writing to it. Readers pass over the name, as it begins with a dot.
fn probe(folder: &Path) -> Result<()> {
    let probe = folder.join(format!(".wasmill-probe-{}", std::process::id()));
    std::fs::write(&probe, b"").map_err(ConnectError::io("cannot write to", folder))?;
    match std::fs::remove_file(&probe) {
        // Another sink of this process probes the same folder.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(ConnectError::io("cannot write to", folder)),
    }
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
