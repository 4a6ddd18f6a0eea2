//! A run of which nothing stays: its ledger, its scratch folder and its quarantine are in a temporary folder that is removed.
//!
//! Whether rows reach their sinks is not decided here, but before the check: `Pipeline::without_effects`.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use wasmill_ledger::RunStatus;

use crate::checked::CheckedPipeline;
use crate::run::open::RunError;
use crate::run::summary::{RunProblem, RunSummary, Totals};

/// Why a run that is only to be looked at came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DryRunError {
    #[error("cannot create a temporary folder for what a run keeps")]
    Folder(#[source] std::io::Error),
    #[error("the temporary ledger failed")]
    Start(#[from] RunError),
    /// It failed, as a run would.
    #[error("{}", .0.message)]
    Run(RunProblem),
}

impl DryRunError {
    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Folder(_) | Self::Start(_) => 74,
            Self::Run(problem) => problem.exit_code,
        }
    }

    /// What a person can do, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Folder(_) | Self::Start(_) => {
                Some("the environment variable TMPDIR says where temporary folders are".to_owned())
            }
            Self::Run(problem) => problem.hint.clone(),
        }
    }

    pub(crate) fn interrupted() -> Self {
        let message = "interrupted".to_owned();
        Self::Run(RunProblem { message, hint: None, exit_code: 130 })
    }
}

/// What there is to say of a run that saw all rows.
pub(crate) struct DryRun {
    pub(crate) summary: RunSummary,
    pub(crate) totals: Totals,
    pub(crate) elapsed: Duration,
}

impl CheckedPipeline {
    /// Runs the pipeline once. A gate that refuses the data is no error: all rows were seen by then.
    pub(crate) async fn dry_run(&self, cancel: &CancellationToken) -> Result<DryRun, DryRunError> {
        // Closed to others, as quarantined rows are in it; gone with the value.
        let folder = tempfile::Builder::new()
            .prefix("wasmill-dry-")
            .tempdir()
            .map_err(DryRunError::Folder)?;
        let mut pipeline = self.clone();
        pipeline.base = folder.path().to_owned();
        pipeline.settings.ledger = "sqlite://ledger.db".to_owned();
        pipeline.settings.state = None;
        let started = Instant::now();
        let (summary, totals) = pipeline.run_counted(None, cancel.clone()).await?;
        let elapsed = started.elapsed();
        match (summary.status, &summary.problem) {
            (RunStatus::Succeeded | RunStatus::Refused, _) => {
                Ok(DryRun { summary, totals, elapsed })
            }
            (RunStatus::Interrupted, _) | (_, None) => Err(DryRunError::interrupted()),
            (_, Some(problem)) => Err(DryRunError::Run(problem.clone())),
        }
    }
}
