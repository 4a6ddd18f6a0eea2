//! Removing rows from the quarantine for good.
//!
//! First the ledger is told, then the files are changed: a process that dies in between has removed the rows, and whoever purges
//! next finishes with the files. A file without rows goes; others are written anew beside the old one, which takes its place at
//! once. Rows that are in a replay stay, and so do all rows of a run that can still be resumed: it would hold them back again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use serde::Serialize;
use wasmill_connect::crash;
use wasmill_connect::error::ConnectError;
use wasmill_connect::sink::StageWriter;
use wasmill_connect::sink::ipc::IpcStageWriter;
use wasmill_ledger::{Ledger, LedgerError, Purging, RowToPurge, Run, Share};

use crate::quarantine::file::HeldFile;
use crate::quarantine::held::{HeldError, HeldRun, RowFilter, RowState};

/// Why rows could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum PurgeError {
    #[error(transparent)]
    Held(#[from] HeldError),
    #[error("run `{run}` is being worked on")]
    Busy { run: String },
    #[error("the run is {status}: what it holds back is not settled before it has ended for good")]
    Unfinished { run: String, status: &'static str },
    #[error("rows were taken by run `{by}` while they were to be removed")]
    Taken { by: String },
}

impl From<LedgerError> for PurgeError {
    fn from(error: LedgerError) -> Self {
        Self::Held(error.into())
    }
}

impl From<ConnectError> for PurgeError {
    fn from(error: ConnectError) -> Self {
        Self::Held(error.into())
    }
}

impl PurgeError {
    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Held(error) => error.exit_code(),
            Self::Busy { .. } | Self::Unfinished { .. } | Self::Taken { .. } => 75,
        }
    }

    /// What a person can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Held(_) => None,
            Self::Busy { .. } | Self::Taken { .. } => Some("try again later".to_owned()),
            Self::Unfinished { run, .. } => Some(format!(
                "`wasmill run FILE --resume {run}` goes on with it, `wasmill abort FILE --run-id {run}` gives it up"
            )),
        }
    }
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    pub run: String,
    /// How many rows, by step.
    pub steps: BTreeMap<String, u64>,
    /// How many of those were put through before: they are not counted as removed.
    pub put_through: u64,
    /// The runs that are about to put others through, which stay, and how many.
    pub in_replay: BTreeMap<String, u64>,
    /// Files that go.
    pub files: u64,
}

impl Purged {
    /// How many rows go.
    pub fn rows(&self) -> u64 {
        self.steps.values().sum()
    }
}

/// Removes rows that a run held back. Without `really`, only tells which it would be.
///
/// # Errors
///
/// When the run has not ended for good, or somebody works on it, and when a file cannot be changed.
pub async fn purge(
    ledger: &Ledger,
    run: &Run,
    filter: &RowFilter,
    really: bool,
) -> Result<Purged, PurgeError> {
    if !run.status.is_final() {
        return Err(PurgeError::Unfinished { run: run.id.clone(), status: run.status.name() });
    }
    // Two that write a file anew would each bring back what the other has removed.
    let lock = ledger.lock_run(&run.id, Share::Exclusive).await?;
    if lock.is_none() {
        return Err(PurgeError::Busy { run: run.id.clone() });
    }
    let held = HeldRun::read(ledger, &run.id).await?;
    let mut purged = Purged { run: run.id.clone(), ..Purged::default() };
    let mut rows = Vec::new();
    for (file, row) in held.rows(filter).filter(|(_, row)| !row.is_purged && row.is_there) {
        match &row.state {
            RowState::InReplay { by } => {
                *purged.in_replay.entry(by.clone()).or_default() += 1;
                continue;
            }
            RowState::PutThrough { .. } => purged.put_through += 1,
            RowState::Left | RowState::Purged => {}
        }
        *purged.steps.entry(file.step.clone()).or_default() += 1;
        rows.push(RowToPurge {
            file: file.file.clone(),
            index: row.index,
            reasons: row.reasons.clone(),
        });
    }
    let going = Going::new(&held, &rows);
    purged.files = going.whole.len() as u64;
    if !really {
        return Ok(purged);
    }
    if let Purging::Taken { by } = ledger.purge_rows(&run.id, &rows, &going.whole).await? {
        return Err(PurgeError::Taken { by });
    }
    crash::point("mid-sweep");
    for file in &going.whole {
        std::fs::remove_file(file).map_err(|source| ConnectError::Io {
            action: "cannot remove",
            path: file.into(),
            source,
        })?;
        crash::point("mid-sweep");
    }
    for (file, indices) in &going.partly {
        rewrite(Path::new(file), indices)?;
    }
    if let Some(folder) = going.whole.first().and_then(|file| Path::new(file).parent()) {
        // Kept where anything is in it.
        drop(std::fs::remove_dir(folder));
    }
    Ok(purged)
}

/// What becomes of the files.
struct Going<'a> {
    /// Those of which no row stays.
    whole: Vec<String>,
    /// The rows that go of others.
    partly: BTreeMap<&'a str, BTreeSet<u64>>,
}

impl<'a> Going<'a> {
    fn new(held: &'a HeldRun, rows: &'a [RowToPurge]) -> Self {
        let mut going: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        for row in rows {
            going.entry(&row.file).or_default().insert(row.index);
        }
        for file in &held.files {
            // Those that an earlier purge did not come to.
            let left = file.rows.iter().filter(|row| row.is_purged && row.is_there);
            for row in left {
                going.entry(&file.file).or_default().insert(row.index);
            }
        }
        let (mut whole, mut partly) = (Vec::new(), BTreeMap::new());
        for file in &held.files {
            let Some(indices) = going.remove(file.file.as_str()) else { continue };
            if file.rows.iter().all(|row| !row.is_there || indices.contains(&row.index)) {
                whole.push(file.file.clone());
            } else {
                let indices = indices.into_iter().filter_map(|index| u64::try_from(index).ok());
                partly.insert(file.file.as_str(), indices.collect());
            }
        }
        Self { whole, partly }
    }
}

/// Writes a file anew without some of its rows; the others keep their index.
fn rewrite(path: &Path, without: &BTreeSet<u64>) -> Result<(), ConnectError> {
    let io = |action| move |source| ConnectError::Io { action, path: path.to_owned(), source };
    let arrow = |source| ConnectError::Arrow { path: path.to_owned(), source };
    // What an earlier purge left that died.
    let beside = path.with_extension("purging");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(io("cannot remove what is left beside")(error));
        }
        _ => {}
    }
    let mut writer: Option<Box<IpcStageWriter>> = None;
    for held in HeldFile::open(path)? {
        let held = held?;
        let stays = held.indices.values().iter().map(|index| !without.contains(index));
        let stays: BooleanArray = stays.map(Some).collect();
        let batch = held.with_indices().map_err(arrow)?;
        let batch = filter_record_batch(&batch, &stays).map_err(arrow)?;
        if writer.is_none() {
            let stem = path.display().to_string();
            writer = Some(Box::new(IpcStageWriter::create(beside.clone(), stem, &batch.schema())?));
        }
        if let Some(writer) = &mut writer {
            writer.write(&batch)?;
        }
    }
    let Some(writer) = writer else { return Ok(()) };
    writer.finish()?;
    std::fs::rename(&beside, path).map_err(io("cannot write"))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("cannot write"))
}
