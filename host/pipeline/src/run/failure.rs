//! Why a run ended without success, with what a person can do and the exit code that says it.

use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use wasmill_connect::error::ConnectError;
use wasmill_ledger::{LedgerError, RunStatus};
use wasmill_sandbox::fault::Fault;

use crate::error::StepError;
use crate::policy::retry::Retryable;
use crate::quarantine::replay::NothingToAddTo;
use crate::run::open::RunError;

/// Why a run ended without success.
#[derive(Debug, thiserror::Error)]
pub enum RunFailure {
    #[error(transparent)]
    Step(#[from] Arc<StepError>),
    /// A source could not be divided into splits.
    #[error("source `{step}` cannot be divided into splits")]
    Splits {
        step: String,
        #[source]
        source: ConnectError,
    },
    /// An extractor could not plan its splits, or a validator could not judge the table.
    #[error("step `{step}`: the plugin failed: {}", fault.explained())]
    Plugin { step: String, fault: Box<Fault> },
    /// The data was refused.
    #[error("the data was refused: {}", .reasons.join("; "))]
    Refused { reasons: Vec<String> },
    /// A sink could not be published.
    #[error(
        "sink `{sink}` could not be published{}",
        if .published.is_empty() { String::new() } else { format!("; already published: {}", .published.join(", ")) }
    )]
    Commit {
        sink: String,
        published: Vec<String>,
        #[source]
        source: Box<CommitError>,
    },
    #[error("interrupted: nothing was published")]
    Interrupted,
    /// Another process has claimed the run since this one did.
    #[error("another process has taken the run over; this one has published nothing since")]
    TakenOver,
    /// The run was ended while it was being worked on.
    #[error("the run is {} since, by somebody else", .status.name())]
    Closed { status: RunStatus },
    /// Another run went on reading from where this one did, and has published what it read.
    #[error(
        "{} has gone on reading `{source_name}` from where this run did; nothing was published, so that no row comes twice",
        .by.as_ref().map_or("another run".to_owned(), |by| format!("run {by}"))
    )]
    CursorsMoved { source_name: String, by: Option<String> },
    /// Rows of the quarantine would be added to those of another run.
    #[error("nothing was published")]
    NothingToAddTo(#[source] NothingToAddTo),
    /// An earlier run is being published, or has to be.
    #[error("run {run} has to be published before this one: it was stopped while it was")]
    EarlierRun {
        run: String,
        #[source]
        source: Option<Box<RunError>>,
    },
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    /// Rows were lost or made up between steps: a mistake of the host.
    #[error("rows are not accounted for: {0}")]
    Unbalanced(String),
    /// A plan could not be made or a file of the run not be read: a mistake of the host, or of the machine.
    #[error("{0}")]
    Host(String),
}

/// Why a sink could not be published.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error(transparent)]
    Connector(#[from] ConnectError),
    #[error("the plugin failed: {0}")]
    Plugin(Fault),
}

impl Retryable for CommitError {
    fn is_chance(&self) -> bool {
        match self {
            Self::Connector(error) => error.is_chance(),
            Self::Plugin(fault) => fault.is_chance(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Connector(_) => None,
            Self::Plugin(fault) => fault.retry_after(),
        }
    }
}

impl RunFailure {
    /// Whether other splits of the run would fail alike, or are not to be worked on any more.
    pub(crate) fn concerns_all_splits(&self) -> bool {
        match self {
            Self::Step(error) => matches!(
                **error,
                StepError::RowRefused { .. }
                    | StepError::BreakerOpen { .. }
                    | StepError::Host { .. }
            ),
            _ => true,
        }
    }

    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Step(error) => error.exit_code(),
            Self::Splits { source, .. } if source.is_chance() => 75,
            Self::Commit { source, .. } if source.is_chance() => 75,
            Self::Commit { source, .. } if matches!(**source, CommitError::Plugin(_)) => 70,
            Self::Ledger(error) if error.is_chance() => 75,
            Self::Splits { .. } | Self::Commit { .. } | Self::Ledger(_) => 74,
            Self::TakenOver | Self::Closed { .. } | Self::CursorsMoved { .. } => 75,
            Self::EarlierRun { source, .. } => {
                source.as_ref().map_or(75, |error| error.exit_code())
            }
            Self::Plugin { fault, .. } if fault.kind().is_chance() => 75,
            Self::Plugin { .. } | Self::Unbalanced(_) | Self::Host(_) => 70,
            Self::Refused { .. } | Self::NothingToAddTo(_) => 65,
            Self::Interrupted => 130,
        }
    }

    /// What a person can do, where that is known.
    pub fn hint(&self, run: &str) -> Option<String> {
        match self {
            Self::Step(error) => error.hint(),
            Self::Refused { .. } => Some(format!(
                "nothing was published; `wasmill quarantine list {run}` shows what was held back"
            )),
            Self::Commit { .. } => Some(format!(
                "mend the target, and `wasmill run FILE --resume {run}` publishes what is missing"
            )),
            Self::Interrupted => Some(format!(
                "`wasmill run FILE --resume {run}` goes on with it: what was accepted is kept"
            )),
            Self::NothingToAddTo(_) => Some(format!(
                "`wasmill abort FILE --run-id {run}` gives it up, and lets its rows go"
            )),
            Self::CursorsMoved { .. } => {
                Some("run again: it reads on from where the other run ended".to_owned())
            }
            Self::EarlierRun { run, .. } => {
                Some(format!("`wasmill run FILE --resume {run}` finishes it"))
            }
            Self::Unbalanced(_) => {
                Some("nothing was published; this is a bug of wasmill, please report it".to_owned())
            }
            _ => None,
        }
    }
}

impl From<DataFusionError> for RunFailure {
    fn from(error: DataFusionError) -> Self {
        Self::Host(error.strip_backtrace())
    }
}
