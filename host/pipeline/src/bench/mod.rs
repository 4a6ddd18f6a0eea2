//! What the steps of a pipeline cost, measured over its real inputs, with nothing changed by it.
//!
//! ```text
//!   Pipeline  ─┐                           ┌─ round ─ round ─ round ─▶ medians ─┐
//!   component ─┴─ Bench ─check─▶ CheckedBench                                   ├─▶ BenchReport
//!                                          └─ samples of the first round ▶ hints ┘
//! ```
//!
//! A round is a run like any other, so what is measured is what a run does. Only its ends are cut off: sinks discard
//! rows and are not looked at, there are no notifiers, and the ledger, the scratch folder and the quarantine are in a
//! temporary folder that is removed afterwards. Hence no cursor is found and none is kept: extractors read from the
//! beginning. What a plugin does over a connection that it was granted, it does here too.
//!
//! [`component`] makes a pipeline around one plugin, [`report`] makes figures of the counts of rounds, [`samples`] keeps
//! some of the rows that steps saw, [`hints`] finds in them what need not cross, by way of [`probe`] and [`perturb`].

pub mod component;
pub mod hints;
mod perturb;
mod probe;
pub mod report;
mod samples;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wasmill_sandbox::compiler::Compiler;

use crate::bench::component::ComponentUse;
use crate::bench::report::{BenchReport, Round};
use crate::bench::samples::Samples;
use crate::check::{CheckFailed, Pipeline};
use crate::checked::CheckedPipeline;
use crate::dry_run::DryRun;
pub use crate::dry_run::DryRunError as BenchError;
use crate::file::diagnostic::Diagnostic;

/// Something to be measured that is not checked yet.
pub struct Bench {
    pipeline: Pipeline,
    /// Whether a person can look up what is found in a file.
    has_file: bool,
}

/// Something that can be measured.
pub struct CheckedBench {
    pipeline: CheckedPipeline,
    samples: Arc<Samples>,
}

impl Bench {
    /// Of all steps of a pipeline. Whoever watches the pipeline sees nothing of it: rounds are many runs, and none counts.
    pub fn of_pipeline(pipeline: Pipeline) -> Self {
        Self { pipeline, has_file: true }
    }

    /// Of one plugin.
    pub fn of_component(component: ComponentUse) -> Self {
        Self { pipeline: component.pipeline(), has_file: false }
    }

    /// How components are compiled: where nothing is said, in this process, each time.
    #[must_use]
    pub fn compiled_by(mut self, compiler: Compiler) -> Self {
        self.pipeline = self.pipeline.compiled_by(compiler);
        self
    }

    /// Checks everything but the sinks and notifiers themselves.
    pub async fn check(self) -> Result<CheckedBench, CheckFailed> {
        let samples = Arc::new(Samples::default());
        let pipeline = self.pipeline.without_effects().observed_by(Arc::clone(&samples) as _);
        let checked = pipeline.check().await.map_err(|CheckFailed(mut found)| {
            if !self.has_file {
                found.iter_mut().for_each(|diagnostic| diagnostic.place = None);
            }
            CheckFailed(found)
        })?;
        Ok(CheckedBench { pipeline: checked, samples })
    }
}

impl CheckedBench {
    /// What was found that is worth knowing and no error.
    pub fn warnings(&self) -> &[Diagnostic] {
        self.pipeline.warnings()
    }

    /// Runs so many rounds, and looks for hints. `after_round` is told the number of each round, from 1 on, and its time.
    ///
    /// A gate that refuses the data ends no round: all rows were seen by then.
    ///
    /// # Errors
    ///
    /// When a round fails, or `cancel` is cancelled.
    pub async fn run(
        self,
        rounds: NonZeroU32,
        cancel: CancellationToken,
        mut after_round: impl FnMut(u32, Duration),
    ) -> Result<BenchReport, BenchError> {
        let mut done = Vec::new();
        for number in 1..=rounds.get() {
            let round = self.round(&cancel).await?;
            after_round(number, round.elapsed);
            done.push(round);
        }
        let hints = tokio::select! {
            hints = hints::find(&self.pipeline, &self.samples) => hints,
            () = cancel.cancelled() => return Err(BenchError::interrupted()),
        };
        Ok(BenchReport::new(&self.pipeline, &done, hints))
    }

    async fn round(&self, cancel: &CancellationToken) -> Result<Round, BenchError> {
        let DryRun { summary, totals, elapsed } = self.pipeline.dry_run(cancel).await?;
        Ok(Round {
            elapsed,
            counts: summary
                .steps
                .into_iter()
                .map(|step| (totals.counts(&step.step), step))
                .collect(),
            refused: summary.problem.map(|problem| problem.message),
        })
    }
}
