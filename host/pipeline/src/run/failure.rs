//! Why a run ended without success, with what a person can do and the exit code that says it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use wasmill_connect::error::ConnectError;
use wasmill_ledger::LedgerError;
use wasmill_sandbox::fault::Fault;

use crate::error::StepError;
use crate::policy::retry::Retryable;

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
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    #[error("cannot create the folder {}", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
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
    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Step(error) => error.exit_code(),
            Self::Splits { source, .. } if source.is_chance() => 75,
            Self::Commit { source, .. } if source.is_chance() => 75,
            Self::Commit { source, .. } if matches!(**source, CommitError::Plugin(_)) => 70,
            Self::Splits { .. } | Self::Commit { .. } | Self::Folder { .. } | Self::Ledger(_) => 74,
            Self::Plugin { fault, .. } if fault.kind().is_chance() => 75,
            Self::Plugin { .. } | Self::Unbalanced(_) | Self::Host(_) => 70,
            Self::Refused { .. } => 65,
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
