//! Some rows before and after each step: what a step does, seen in the data itself.
//!
//! ```text
//!   sources ─▶ their first rows ─▶ step ─▶ step ─▶ …      in memory, in this process, one after another
//!                                   │       │
//!                                   └───────┴─▶ pairs of rows ─▶ some of each kind ─▶ SampleReport
//! ```
//!
//! This is no run: there are no splits worked on at once, no ledger, no gate, and nothing is read beyond the first rows. So a
//! sample of a source of many GB takes no longer than one of a small file. What is done with the rows is what a run does: the
//! same instances, limits, seeds and search for rows at fault. A plugin that needs all rows of a key gets all rows of the sample.
//! Sinks are not opened, nobody is notified, and what must lie on disk lies in a temporary folder that is removed.
//!
//! `windows` tells how many rows each source is read for, `reading` reads them, `walk` puts them through the steps, `passage`
//! pairs rows, `choice` chooses those that are shown, [`report`] is what comes of it.

mod choice;
mod passage;
mod reading;
pub mod report;
mod walk;
mod windows;

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;
use wasmill_sandbox::compiler::Compiler;

use crate::check::{CheckFailed, Pipeline};
use crate::checked::{CheckedPipeline, Work};
pub use crate::columns::{ColumnFate, ColumnUse};
pub use crate::dry_run::DryRunError as SampleError;
use crate::file::diagnostic::{Diagnostic, unknown_name_hint};
use crate::sample::report::SampleReport;
use crate::sample::walk::Walk;

/// What is shown of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampling {
    /// The one step to show; otherwise all transforms and validators.
    pub step: Option<String>,
    /// How many rows of each step to show.
    pub rows: usize,
    /// How many rows of each source to read. Never less than are shown.
    pub read: usize,
    /// Whether the first rows are shown as they come, and not some of each kind.
    pub as_they_come: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { step: None, rows: 10, read: 1_000, as_they_come: false }
    }
}

/// A pipeline to be looked into that is not checked yet.
pub struct Sample {
    pipeline: Pipeline,
    sampling: Sampling,
}

/// A pipeline that can be looked into.
pub struct CheckedSample {
    pipeline: CheckedPipeline,
    sampling: Sampling,
    /// The steps that are shown.
    shown: BTreeSet<String>,
}

/// Why nothing can be shown.
#[derive(Debug, thiserror::Error)]
pub enum SampleRefused {
    #[error(transparent)]
    Check(#[from] CheckFailed),
    #[error("the pipeline has no step `{step}`")]
    Unknown { step: String, hint: String },
    #[error("`{step}` is no transform and no validator")]
    Kind { step: String, hint: String },
}

impl Sample {
    pub fn new(pipeline: Pipeline, sampling: Sampling) -> Self {
        Self { pipeline, sampling }
    }

    /// How components are compiled: where nothing is said, in this process, each time.
    #[must_use]
    pub fn compiled_by(mut self, compiler: Compiler) -> Self {
        self.pipeline = self.pipeline.compiled_by(compiler);
        self
    }

    /// Checks everything but the sinks and notifiers themselves.
    pub async fn check(self) -> Result<CheckedSample, SampleRefused> {
        let pipeline = self.pipeline.without_effects().check().await?;
        let shown = shown(&pipeline, self.sampling.step.as_deref())?;
        Ok(CheckedSample { pipeline, sampling: self.sampling, shown })
    }
}

fn shown(
    pipeline: &CheckedPipeline,
    step: Option<&str>,
) -> Result<BTreeSet<String>, SampleRefused> {
    let steps = pipeline.steps.values();
    let fitting = || {
        let fits = steps.clone().filter(|step| !matches!(step.work, Work::Source(_)));
        fits.map(|step| step.name.as_str())
    };
    let Some(step) = step else { return Ok(fitting().map(str::to_owned).collect()) };
    if fitting().any(|name| name == step) {
        return Ok(BTreeSet::from([step.to_owned()]));
    }
    let hint = unknown_name_hint(step, fitting());
    let step = step.to_owned();
    if pipeline.steps.contains_key(&step) || pipeline.sinks.contains_key(&step) {
        let hint = match fitting().collect::<Vec<_>>() {
            fitting if fitting.is_empty() => "there is none in this pipeline".to_owned(),
            fitting => format!("such steps are {}", fitting.join(", ")),
        };
        return Err(SampleRefused::Kind { step, hint });
    }
    Err(SampleRefused::Unknown { step, hint })
}

impl CheckedSample {
    /// What was found that is worth knowing and no error.
    pub fn warnings(&self) -> &[Diagnostic] {
        self.pipeline.warnings()
    }

    /// Reads some rows, and puts them through the steps. A step that fails is in the report, and so are the steps behind it.
    ///
    /// # Errors
    ///
    /// When there is no room for temporary files, or `cancel` is cancelled.
    pub async fn run(self, cancel: CancellationToken) -> Result<SampleReport, SampleError> {
        let folder = tempfile::Builder::new()
            .prefix("wasmill-sample-")
            .tempdir()
            .map_err(SampleError::Folder)?;
        let walk = Walk::new(&self.pipeline, &self.sampling, &self.shown, folder.path())?;
        tokio::select! {
            report = walk.report() => Ok(report),
            () = cancel.cancelled() => Err(SampleError::interrupted()),
        }
    }
}
