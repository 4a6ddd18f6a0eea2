//! A run: phases worked through, the gate, one commit, notifications.
//!
//! ```text
//!   splits ─▶ attempts ─▶ manifests accepted ─▶ gate ─▶ commit ─▶ outbox ─▶ notifiers
//!   └────────── nothing is published ──────────────┘
//! ```
//!
//! An attempt at a split counts when the ledger accepted its manifest. Until the gate has let the
//! run pass, targets are untouched; whatever was staged is swept when the run ends.

mod attempts;
mod commit;
pub mod failure;
mod gate;
mod notify;
pub mod summary;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use wasmill_ledger::{Ledger, LedgerError, RunStatus, now_ms};

use crate::cassette::recorder::CassetteFolder;
use crate::checked::CheckedPipeline;
use crate::events::Event;
use crate::exec::sql::Engine;
use crate::exec::task::Folders;
use crate::plan::phases;
use crate::run::failure::RunFailure;
use crate::run::gate::GateReport;
use crate::run::summary::{RunProblem, RunSummary, SinkReport, Totals};

/// How often what fails by chance is tried.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// What a run shares with its tasks.
pub(crate) struct RunContext {
    pub(crate) pipeline: CheckedPipeline,
    pub(crate) ledger: Ledger,
    pub(crate) run: String,
    pub(crate) folders: Arc<Folders>,
    pub(crate) engine: Engine,
}

/// What is known of a run that came to its end, one way or another.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) totals: Totals,
    pub(crate) gates: Vec<GateReport>,
    pub(crate) sinks: Vec<SinkReport>,
}

impl CheckedPipeline {
    /// Runs the pipeline to its end, or until `cancel` is cancelled: nothing is published then.
    ///
    /// A run that fails is no error here: its summary says how it ended.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be opened or written.
    pub async fn run(self, cancel: CancellationToken) -> Result<RunSummary, LedgerError> {
        Ok(self.run_counted(cancel).await?.0)
    }

    /// Runs the pipeline, and returns the sums behind the summary too.
    pub(crate) async fn run_counted(
        self,
        cancel: CancellationToken,
    ) -> Result<(RunSummary, Totals), LedgerError> {
        let started = Instant::now();
        let started_ms = now_ms();
        let ledger = Ledger::create(&self.settings.ledger, &self.base).await?;
        let run = run_id(started_ms);
        let base = ledger.path().parent().map_or_else(PathBuf::new, PathBuf::from);
        let folders = Arc::new(Folders {
            scratch: base.join("runs").join(&run),
            quarantine: base.join("quarantine").join(&run),
            cassettes: self.cassettes.clone().map(CassetteFolder::new),
        });
        ledger.start_run(&run, &self.name, &self.digest, started_ms).await?;
        let (observer, pipeline) = (Arc::clone(&self.observer), self.name.clone());
        observer.event(Event::RunStarted { run: run.clone(), pipeline: pipeline.clone() });
        let mut progress = Progress::default();
        let settings = &self.settings;
        let engine = prepare(&folders).and_then(|()| {
            Ok(Engine::new(settings.memory, settings.batch_rows, &folders.scratch)?)
        });
        let (ended, context) = match engine {
            Ok(engine) => {
                let context = Arc::new(RunContext {
                    pipeline: self,
                    ledger: ledger.clone(),
                    run: run.clone(),
                    folders,
                    engine,
                });
                let ended = context.work(&mut progress, &cancel).await;
                context.sweep(&progress, ended.is_err()).await;
                (ended, Some(context))
            }
            Err(failure) => (Err(failure), None),
        };
        let problem = ended.as_ref().err().map(|failure| RunProblem::new(failure, &run));
        let status = match &ended {
            Ok(()) => RunStatus::Succeeded,
            Err(RunFailure::Refused { .. }) => RunStatus::Refused,
            Err(RunFailure::Interrupted) => RunStatus::Interrupted,
            Err(_) => RunStatus::Failed,
        };
        let summary = RunSummary {
            run: run.clone(),
            pipeline,
            status,
            started_ms,
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            problem,
            steps: progress.totals.steps(context.as_deref().map(|context| &context.pipeline)),
            quarantined: progress.totals.quarantined(),
            warned: progress.totals.warned(),
            gates: progress.gates,
            sinks: progress.sinks,
        };
        let error = summary.problem.as_ref().map(|problem| problem.message.as_str());
        let json = serde_json::to_value(&summary).expect("a summary is plain data");
        let cursors = progress.totals.cursors();
        let cursors = if ended.is_ok() { cursors } else { &[] };
        ledger.end_run(&run, status, error, &json, cursors).await?;
        if let Some(context) = &context {
            context.notify(&summary, &cancel).await;
        }
        observer.event(Event::RunFinished(Box::new(summary.clone())));
        Ok((summary, progress.totals))
    }
}

impl RunContext {
    async fn work(
        self: &Arc<Self>,
        progress: &mut Progress,
        cancel: &CancellationToken,
    ) -> Result<(), RunFailure> {
        let phases: Arc<[_]> = phases(&self.pipeline).into();
        self.work_through(&phases, progress, cancel).await?;
        progress.totals.check(&self.pipeline)?;
        self.gate(progress).await?;
        if cancel.is_cancelled() {
            return Err(RunFailure::Interrupted);
        }
        self.ledger.start_commit(&self.run).await?;
        self.commit(progress).await
    }
}

fn prepare(folders: &Folders) -> Result<(), RunFailure> {
    for folder in [&folders.scratch, &folders.quarantine] {
        std::fs::create_dir_all(folder)
            .map_err(|source| RunFailure::Folder { path: folder.clone(), source })?;
    }
    Ok(())
}

/// When the run started, to the second, and something that tells it from others: readable, and in order.
fn run_id(started_ms: i64) -> String {
    let started = DateTime::<Utc>::from_timestamp_millis(started_ms).unwrap_or_default();
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", started.format("%Y%m%d-%H%M%S"), &unique[..6])
}
