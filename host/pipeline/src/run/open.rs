//! Who may work on a run, and what keeps them from it.
//!
//! A lock of the ledger, held for as long as the process lives, says that somebody does; a claim, counted in the ledger, tells the
//! latest from those that only believe so. The lock keeps two processes from doing the same work; the claim keeps a process that lost its
//! lock without noticing from publishing.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use wasmill_ledger::{
    Entered, Ledger, LedgerError, Lock, NewRun, Run, RunKind, RunStatus, Share, check_run_id,
    now_ms,
};

use crate::cassette::folder::CassetteFolder;
use crate::check::Pipeline;
use crate::checked::CheckedPipeline;
use crate::error::chain;
use crate::events::Event;
use crate::exec::task::Folders;
use crate::quarantine::held::HeldError;
use crate::quarantine::replay::NothingToAddTo;
use crate::quarantine::through::NotThrough;
use crate::run::failure::RunFailure;
use crate::run::resume::Kept;
use crate::run::{Driver, RunContext};

/// Why a run could not be worked on at all. How a run ends that was worked on is in its summary.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    #[error("there is no run `{run}` in {ledger}")]
    Unknown { run: String, ledger: String },
    #[error("there is a run `{run}` already: it is {}", .status.name())]
    Exists { run: String, status: RunStatus },
    #[error("run `{run}` is of the pipeline `{of}`, not of `{pipeline}`")]
    OtherPipeline { run: String, of: String, pipeline: String },
    /// Somebody works on it.
    #[error("run `{run}` is being worked on by {by}")]
    Busy { run: String, by: String },
    /// It has ended for good.
    #[error("run `{run}` is {}{}", .status.name(), .reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default())]
    Closed { run: String, status: RunStatus, reason: Option<String> },
    /// What it is made of is not what it was.
    #[error("run `{run}` cannot be gone on with, since this has changed: {}", .differences.join("; "))]
    Changed { run: String, differences: Vec<String>, only_inputs: bool },
    /// It was publishing when it was stopped, and what has changed is about that.
    #[error(
        "run `{run}` was stopped while it was being published, and cannot be finished, since this has changed: {}",
        .differences.join("; ")
    )]
    Unfinished { run: String, differences: Vec<String> },
    /// It was publishing when it was stopped, and finishing that failed.
    #[error("run `{run}` was stopped while it was being published, and finishing that failed")]
    NotFinished {
        run: String,
        #[source]
        source: Box<RunFailure>,
    },
    /// It is being published, which cannot be taken back.
    #[error("run `{run}` is being published: that cannot be taken back, only finished")]
    Publishing { run: String },
    #[error("{missing} of {of} splits of run `{run}` have no accepted manifest yet")]
    Incomplete { run: String, missing: usize, of: usize },
    #[error(
        "level {level} of run `{run}` cannot be planned before all splits of the levels below are accepted"
    )]
    TooEarly { run: String, level: usize },
    #[error("run `{run}` has no level {level}; {}", if *.levels == 0 { "it is not planned".to_owned() } else { format!("its highest is {}", .levels - 1) })]
    NoLevel { run: String, level: usize, levels: usize },
    #[error(
        "run `{run}` puts rows of the quarantine through again: it is not divided among processes"
    )]
    Replay { run: String },
    #[error("rows of the quarantine were put through again by run `{by}`, or are about to be")]
    RowsTaken { by: String },
    #[error("rows of the quarantine were removed while they were to be put through again")]
    RowsPurged,
    /// Rows of the quarantine cannot be put through again.
    #[error("rows of run `{of}` cannot be put through again")]
    NotThrough {
        of: String,
        #[source]
        source: NotThrough,
    },
    /// What a run published, or did not, is not there for more rows to be added.
    #[error(transparent)]
    NothingToAddTo(NothingToAddTo),
    #[error("the quarantine cannot be read")]
    Held(#[source] HeldError),
    #[error("cannot create the folder {}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A split could not be worked on.
    #[error(transparent)]
    Failed(Box<RunFailure>),
    /// A mistake of the host.
    #[error("{0}")]
    Host(String),
}

impl From<RunFailure> for RunError {
    fn from(failure: RunFailure) -> Self {
        match failure {
            RunFailure::Ledger(error) => Self::Ledger(error),
            failure => Self::Failed(Box::new(failure)),
        }
    }
}

impl RunError {
    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(error) if error.is_chance() => 75,
            Self::Ledger(LedgerError::RunId { .. }) => 78,
            Self::Ledger(_) | Self::Folder { .. } => 74,
            Self::Unknown { .. } => 66,
            Self::Exists { .. } | Self::Closed { .. } => 65,
            Self::Changed { only_inputs: true, .. } => 65,
            Self::OtherPipeline { .. } | Self::Changed { .. } | Self::Unfinished { .. } => 78,
            Self::NoLevel { .. } | Self::Replay { .. } => 78,
            Self::RowsTaken { .. } | Self::RowsPurged => 75,
            Self::NotThrough { source, .. } => source.exit_code(),
            Self::NothingToAddTo(_) => 65,
            Self::Held(error) => error.exit_code(),
            Self::Busy { .. } | Self::Publishing { .. } => 75,
            Self::Incomplete { .. } | Self::TooEarly { .. } => 75,
            Self::Failed(failure) | Self::NotFinished { source: failure, .. } => {
                failure.exit_code()
            }
            Self::Host(_) => 70,
        }
    }

    /// What a person can do, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some("`wasmill runs list` shows all runs".to_owned()),
            Self::Exists { run, status } if !status.is_final() => {
                Some(format!("`wasmill run FILE --resume {run}` goes on with it"))
            }
            Self::Busy { .. } => Some("wait until it ends, or stop it".to_owned()),
            Self::Closed { status: RunStatus::Aborted, .. } => {
                Some("run the pipeline again".to_owned())
            }
            Self::Changed { run, .. } => Some(format!(
                "put it back; or `wasmill run FILE --resume {run} --accept-changes` does again what depends on it"
            )),
            Self::Unfinished { run, .. } => Some(format!(
                "put it back and `wasmill run FILE --resume {run}`; or give up what is not published yet: `wasmill abort FILE --run-id {run} --force`"
            )),
            Self::NotFinished { run, .. } => Some(format!(
                "mend that and `wasmill run FILE --resume {run}`; or give up what is not published yet: `wasmill abort FILE --run-id {run} --force`"
            )),
            Self::Publishing { run } => Some(format!(
                "`wasmill run FILE --resume {run}` finishes it; --force gives up what is not published yet"
            )),
            Self::Incomplete { run, .. } => {
                Some(format!("`wasmill runs show {run}` tells which; run their partitions again"))
            }
            Self::Replay { run } => {
                Some(format!("`wasmill run FILE --resume {run}` goes on with it"))
            }
            Self::RowsTaken { by } => Some(format!(
                "`wasmill run FILE --resume {by}` goes on with it, `wasmill abort FILE --run-id {by}` gives it up"
            )),
            Self::RowsPurged => Some("ask again: what is left is put through".to_owned()),
            Self::NotThrough { source, .. } => source.hint().map(str::to_owned),
            Self::NothingToAddTo(reason) => Some(reason.hint()),
            Self::Failed(failure) => failure.hint(""),
            _ => None,
        }
    }
}

impl Pipeline {
    /// Prepares for going on with a run of that id, or that begins with it: virtual clocks start when it was started, whichever process
    /// works on it. A run that is not there is found out when it is to be worked on.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub async fn going_on_with(self, run: &str) -> Result<Self, RunError> {
        let (url, base) = self.ledger();
        let ledger = match Ledger::open(&url, base).await {
            Ok(ledger) => ledger,
            // The text is checked later, with everything else.
            Err(LedgerError::Missing { .. } | LedgerError::Url { .. }) => return Ok(self),
            Err(error) => return Err(error.into()),
        };
        Ok(match ledger.run(run).await? {
            Some(run) => {
                let since_epoch = u64::try_from(run.started_ms).unwrap_or_default();
                self.started_at(Duration::from_millis(since_epoch))
            }
            None => self,
        })
    }
}

impl CheckedPipeline {
    /// Enters a new run, and claims it.
    pub(crate) async fn enter(
        self,
        ledger: Ledger,
        id: Option<String>,
        kind: RunKind,
    ) -> Result<Driver, RunError> {
        let id = self.run_id(id)?;
        // Locked before anybody else can know of it.
        let lock = locked(&ledger, &id, Share::Exclusive).await?;
        self.enter_run(&ledger, &id, kind, None).await?;
        let process = this_process();
        let claim = ledger.claim_run(&id, &process).await?;
        let folders = self.folders(&ledger, &id);
        let (observer, pipeline) = (Arc::clone(&self.observer), self.name.clone());
        let ledger = ledger.in_epoch(claim.epoch);
        let (context, opened) = RunContext::new(self, ledger, id.clone(), folders)?;
        observer.event(Event::RunStarted { run: id, pipeline });
        Ok(Driver { context, claim, _lock: lock, opened, kept: Kept::default() })
    }

    /// Enters a new run.
    pub(super) async fn enter_run(
        &self,
        ledger: &Ledger,
        id: &str,
        kind: RunKind,
        wanted_splits: Option<u32>,
    ) -> Result<(), RunError> {
        let new = NewRun {
            id,
            pipeline: &self.name,
            file_digest: &self.digest,
            kind,
            fingerprint: &self.identity.to_json(wanted_splits),
            started_ms: i64::try_from(self.start_time.as_millis()).unwrap_or(i64::MAX),
        };
        match ledger.enter_run(&new).await? {
            Entered::New => Ok(()),
            Entered::Exists(run) => Err(RunError::Exists { run: run.id, status: run.status }),
            Entered::RowsTaken { by } => Err(RunError::RowsTaken { by }),
            Entered::RowsPurged => Err(RunError::RowsPurged),
        }
    }

    /// The id that was given, if it can be one, or a new one.
    pub(super) fn run_id(&self, given: Option<String>) -> Result<String, RunError> {
        match given {
            Some(id) => {
                check_run_id(&id)?;
                Ok(id)
            }
            None => Ok(new_run_id(self.start_time)),
        }
    }

    /// A run of this pipeline, by its id or the beginning of it.
    pub(crate) async fn find(&self, ledger: &Ledger, run: &str) -> Result<Run, RunError> {
        let Some(found) = ledger.run(run).await? else {
            return Err(RunError::Unknown {
                run: run.to_owned(),
                ledger: ledger.place().to_owned(),
            });
        };
        if found.pipeline != self.name {
            return Err(RunError::OtherPipeline {
                run: found.id,
                of: found.pipeline,
                pipeline: self.name.clone(),
            });
        }
        Ok(found)
    }

    /// The run of exactly that id: programs give up or publish no other one, whose id only begins with it.
    pub(super) async fn find_named(&self, ledger: &Ledger, id: &str) -> Result<Run, RunError> {
        let found = self.find(ledger, id).await?;
        if found.id == id {
            return Ok(found);
        }
        Err(RunError::Unknown { run: id.to_owned(), ledger: ledger.place().to_owned() })
    }

    /// Where a run keeps what it stages and holds back.
    pub(super) fn folders(&self, ledger: &Ledger, run: &str) -> Folders {
        let state = self.state_folder(ledger);
        Folders {
            scratch: state.join("runs").join(run),
            quarantine: state.join("quarantine").join(run),
            cassettes: self.cassettes.clone().map(CassetteFolder::new).map(Arc::new),
        }
    }

    /// The folder of all that runs stage and hold back.
    pub(super) fn state_folder(&self, ledger: &Ledger) -> PathBuf {
        match (&self.settings.state, ledger.folder()) {
            (Some(state), _) => self.base.join(state),
            (None, Some(folder)) => folder.to_owned(),
            (None, None) => self.base.join(Path::new(".wasmill")),
        }
    }
}

/// Locks a run, or says who holds it. Whoever lists runs looks at their locks for a moment: that is waited for.
pub(super) async fn locked(ledger: &Ledger, run: &str, share: Share) -> Result<Lock, RunError> {
    const TRIES: u32 = 6;
    // Nobody only looks where thousands of histories are told: there, a lock that is held is one.
    const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 20 });
    for _ in 1..TRIES {
        if let Some(lock) = ledger.lock_run(run, share).await? {
            return Ok(lock);
        }
        tokio::time::sleep(PAUSE).await;
    }
    match ledger.lock_run(run, share).await? {
        Some(lock) => Ok(lock),
        None => Err(busy(ledger, run).await),
    }
}

/// Somebody else's run, with who works on it as far as the ledger tells.
pub(super) async fn busy(ledger: &Ledger, run: &str) -> RunError {
    let by = match ledger.history(run, 0).await {
        Ok(history) => history
            .iter()
            .rev()
            .find_map(|entry| entry.detail["process"].as_str().map(str::to_owned)),
        Err(error) => Some(format!("somebody; the ledger does not tell whom: {}", chain(&error))),
    };
    let by = by.unwrap_or_else(|| "another process".to_owned());
    RunError::Busy { run: run.to_owned(), by }
}

/// This process, for whoever looks for it.
pub(super) fn this_process() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.map_or_else(|_| "this machine".to_owned(), |name| name.trim().to_owned());
    format!("process {} on {host}", std::process::id())
}

/// When the run started, to the second, and something that tells it from others: readable, and in order.
fn new_run_id(started: Duration) -> String {
    let millis = i64::try_from(started.as_millis()).unwrap_or_else(|_| now_ms());
    let started = DateTime::<Utc>::from_timestamp_millis(millis).unwrap_or_default();
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", started.format("%Y%m%d-%H%M%S"), &unique[..6])
}
