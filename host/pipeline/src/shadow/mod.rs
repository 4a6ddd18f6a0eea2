//! A new version of a step beside the old one, on the pipeline's real inputs, with nothing changed by it.
//!
//! ```text
//!                    ┌─▶ old version ─▶ pieces ─▶ next steps ─▶ nowhere
//!   batches of step ─┤                    ║ compared row by row
//!                    └─▶ new version ─▶ pieces
//! ```
//!
//! The run is a dry one ([`crate::dry_run`]): sinks discard, there are no notifiers, ledger and quarantine are temporary. It is
//! the run of the old version. The new one gets each batch after the old one has dealt with it, on instances of its own, with
//! the same seed, its own limits and its own search for rows at fault. Whatever becomes of it is a line of the report, and
//! nothing else: when it cannot go on, it is given up for the split, and the run goes on without it.
//!
//! [`beside`] leads the new version through a task, [`fates`] and [`columns`] compare what both made of a batch, [`detached`]
//! compares rows that belong to no input row, [`tally`] counts, [`report`] tells.

pub(crate) mod beside;
pub(crate) mod columns;
mod detached;
mod fates;
pub mod report;
mod tally;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::contract::binding::Scope;

use crate::check::beside::Replacement;
use crate::check::{CheckFailed, Pipeline};
use crate::checked::{CheckedPipeline, Step, Work};
use crate::events::{Event, Observer};
use crate::file::diagnostic::Diagnostic;
use crate::shadow::beside::ShadowRun;
use crate::shadow::report::ShadowReport;

pub use crate::check::beside::NoSuchStep;
pub use crate::dry_run::DryRunError as ShadowError;

/// How two versions are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparing {
    /// How far apart floats may be that count as equal, relative to the larger one. With 0, the same bits are the same, and any
    /// NaN is any other.
    pub tolerance: f64,
    /// How many examples of each difference are kept.
    pub examples: usize,
    /// Of each split, the new version gets no batch that begins behind so many rows.
    pub max_rows: Option<u64>,
}

impl Default for Comparing {
    fn default() -> Self {
        Self { tolerance: 0.0, examples: 5, max_rows: None }
    }
}

/// A new version of a step that is not checked yet.
pub struct Shadow {
    pipeline: Pipeline,
    step: String,
    with: Replacement,
    comparing: Comparing,
}

/// A new version of a step that can run beside the old one.
pub struct CheckedShadow {
    pipeline: CheckedPipeline,
    shadow: Arc<ShadowRun>,
    logs: Arc<LogCounts>,
    /// What the new version is called in events.
    added: String,
}

impl Shadow {
    /// The plugin `plugin` in place of the one of the step `step`: a name, or a path that ends in `.wasm`, as in a pipeline
    /// file. It gets the step's configuration, grants and limits. Whoever watches the pipeline sees nothing of it.
    pub fn new(pipeline: Pipeline, step: &str, plugin: &str) -> Self {
        let with = Replacement { plugin: plugin.to_owned(), ..Replacement::default() };
        Self { pipeline, step: step.to_owned(), with, comparing: Comparing::default() }
    }

    /// Gives the new version another configuration than the old one.
    #[must_use]
    pub fn config(mut self, config: Map<String, Value>) -> Self {
        self.with.config = Some(config);
        self
    }

    /// Grants the new version no connection. One that wants to send requests is refused then.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.with.is_offline = true;
        self
    }

    #[must_use]
    pub fn comparing(mut self, comparing: Comparing) -> Self {
        self.comparing = comparing;
        self
    }

    /// How components are compiled: where nothing is said, in this process, each time.
    #[must_use]
    pub fn compiled_by(mut self, compiler: Compiler) -> Self {
        self.pipeline = self.pipeline.compiled_by(compiler);
        self
    }

    /// Checks the pipeline, but for the sinks and notifiers themselves, and the new version against the columns that the step
    /// gets.
    pub async fn check(self) -> Result<CheckedShadow, ShadowRefused> {
        let logs = Arc::new(LogCounts::default());
        let pipeline = self.pipeline.without_effects().observed_by(Arc::clone(&logs) as _);
        let (mut checked, added) = pipeline.beside(&self.step, self.with)?.check_beside().await?;
        let (Some(old), Some(added)) = (checked.steps.get(&self.step), added) else {
            // Unreachable: a check that succeeds has bound all entries of the file.
            return Err(refused("the step was not checked".to_owned(), None));
        };
        let shadow = Arc::new(ShadowRun::new(old, &added, self.comparing));
        comparable(old, &added)?;
        checked.shadow = Some(Arc::clone(&shadow));
        Ok(CheckedShadow { pipeline: checked, shadow, logs, added: added.name })
    }
}

/// Why a new version cannot run beside the old one.
#[derive(Debug, thiserror::Error)]
pub enum ShadowRefused {
    #[error(transparent)]
    Step(#[from] NoSuchStep),
    #[error(transparent)]
    Check(#[from] CheckFailed),
}

fn refused(message: String, hint: Option<&str>) -> ShadowRefused {
    let diagnostic = Diagnostic::error(format!("the new version: {message}"));
    let diagnostic = match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    };
    CheckFailed(vec![diagnostic]).into()
}

/// The rows are divided among tasks as the old version wants it, and the new one must do with that.
fn comparable(old: &Step, new: &Step) -> Result<(), ShadowRefused> {
    let (Work::Transform(old), Work::Transform(new)) = (&old.work, &new.work) else {
        return Ok(());
    };
    let (old, new) = (&old.binding.scope, &new.binding.scope);
    if *new == Scope::Rows || new == old || *old == Scope::Single {
        return Ok(());
    }
    let wants = |scope: &Scope| match scope {
        Scope::Rows => "takes each batch by itself",
        Scope::Keyed(_) => "wants all rows of a key",
        Scope::Single => "wants all rows",
    };
    let message = if matches!((old, new), (Scope::Keyed(_), Scope::Keyed(_))) {
        "it wants all rows of another key than the old one".to_owned()
    } else {
        format!("it {}, and the old one {}", wants(new), wants(old))
    };
    let hint = "rows are divided as the old version wants it, so both cannot run beside each other";
    Err(refused(message, Some(hint)))
}

impl CheckedShadow {
    /// What was found that is worth knowing and no error.
    pub fn warnings(&self) -> &[Diagnostic] {
        self.pipeline.warnings()
    }

    /// Runs the pipeline once, with both versions, and compares them.
    ///
    /// A gate that refuses the data is no error: all rows were seen by then. Neither is anything that the new version does.
    ///
    /// # Errors
    ///
    /// When the run fails, or `cancel` is cancelled.
    pub async fn run(self, cancel: CancellationToken) -> Result<ShadowReport, ShadowError> {
        let run = self.pipeline.dry_run(&cancel).await?;
        let concluded = tokio::select! {
            concluded = self.shadow.conclude(self.pipeline.settings.seed, &run) => concluded,
            () = cancel.cancelled() => return Err(ShadowError::interrupted()),
        };
        let log_lines = [&self.shadow.step, &self.added].map(|step| self.logs.of(step));
        Ok(ShadowReport::new(self.pipeline.name(), &self.shadow, &run, concluded, log_lines))
    }
}

/// Counts log lines by step.
#[derive(Default)]
struct LogCounts {
    steps: Mutex<BTreeMap<String, u64>>,
}

impl LogCounts {
    fn of(&self, step: &str) -> u64 {
        let steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        steps.get(step).copied().unwrap_or(0)
    }
}

impl Observer for LogCounts {
    fn event(&self, event: Event) {
        if let Event::Log { step, .. } = event {
            let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
            *steps.entry(step).or_default() += 1;
        }
    }
}
