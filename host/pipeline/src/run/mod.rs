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
pub(crate) mod notify;
pub mod summary;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_util::sync::CancellationToken;
use wasmill_ledger::{Claim, EndOfRun, Ledger, LedgerError, NewRun, RunKind, RunStatus, now_ms};

use crate::cassette::folder::CassetteFolder;
use crate::checked::CheckedPipeline;
use crate::events::{Event, Observer};
use crate::exec::sql::Engine;
use crate::exec::task::{Folders, Surroundings};
use crate::metrics::Meters;
use crate::plan::phases;
use crate::policy::Policies;
use crate::policy::breaker::{Breaker, BreakerPolicy, BreakerReport, BreakerState, Transition};
use crate::run::failure::RunFailure;
use crate::run::gate::GateReport;
use crate::run::summary::{RunProblem, RunSummary, SinkReport, Totals};

/// What a run shares with its tasks.
pub(crate) struct RunContext {
    pub(crate) pipeline: CheckedPipeline,
    pub(crate) ledger: Ledger,
    pub(crate) claim: Claim,
    pub(crate) run: String,
    pub(crate) around: Arc<Surroundings>,
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
        self.meters.start();
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
        let base = ledger.folder().unwrap_or(&self.base).to_owned();
        let folders = Folders {
            scratch: base.join("runs").join(&run),
            quarantine: base.join("quarantine").join(&run),
            cassettes: self.cassettes.clone().map(CassetteFolder::new).map(Arc::new),
        };
        let new = NewRun {
            id: &run,
            pipeline: &self.name,
            file_digest: &self.digest,
            kind: RunKind::Run,
            fingerprint: &serde_json::Value::Null,
            started_ms,
        };
        ledger.enter_run(&new).await?;
        let claim = ledger.claim_run(&run, &std::process::id().to_string()).await?;
        let secrets = self.secrets.clone();
        let (observer, pipeline) = (Arc::clone(&self.observer), self.name.clone());
        let (meters, tenant) = (Arc::clone(&self.meters), self.tenant.clone());
        observer.event(Event::RunStarted { run: run.clone(), pipeline: pipeline.clone() });
        let mut progress = Progress::default();
        let settings = &self.settings;
        let engine = prepare(&folders).and_then(|()| Ok(Engine::new(settings, &folders.scratch)?));
        let (opened, told) = mpsc::unbounded_channel();
        let (ended, context) = match engine {
            Ok(engine) => {
                let around = Arc::new(Surroundings {
                    run: run.clone(),
                    folders,
                    observer: Arc::clone(&observer),
                    seed: self.settings.seed,
                    breakers: breakers(&self.policies, &observer, &self.meters, &opened),
                    meters: Arc::clone(&self.meters),
                    secrets: self.secrets.clone(),
                });
                let context = Arc::new(RunContext {
                    pipeline: self,
                    ledger: ledger.clone(),
                    claim: claim.clone(),
                    run: run.clone(),
                    around,
                    engine,
                });
                let has_ended = CancellationToken::new();
                let (telling, ending) = (Arc::clone(&context), has_ended.clone());
                let mut telling =
                    tokio::spawn(async move { telling.tell_of_breakers(told, &ending).await });
                let ended = context.work(&mut progress, &cancel).await;
                has_ended.cancel();
                tokio::select! {
                    _ = &mut telling => {}
                    // Whoever interrupts waits for nobody.
                    () = cancel.cancelled() => telling.abort(),
                }
                context.sweep(&progress, ended.is_err()).await;
                (ended, Some(context))
            }
            Err(failure) => (Err(failure), None),
        };
        let problem = ended.as_ref().err().map(|failure| RunProblem::new(failure, &run, &secrets));
        let status = match &ended {
            Ok(()) => RunStatus::Succeeded,
            Err(RunFailure::Refused { .. }) => RunStatus::Refused,
            Err(RunFailure::Interrupted) => RunStatus::Interrupted,
            Err(_) => RunStatus::Failed,
        };
        let elapsed = started.elapsed();
        meters.run_ended(status, elapsed);
        let summary = RunSummary {
            run: run.clone(),
            pipeline,
            tenant,
            status,
            started_ms,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            problem,
            steps: progress.totals.steps(context.as_deref().map(|context| &context.pipeline)),
            quarantined: progress.totals.quarantined(),
            warned: progress.totals.warned(),
            gates: progress.gates,
            sinks: progress.sinks,
            breakers: context.iter().flat_map(|context| context.breaker_reports()).collect(),
        };
        let error = summary.problem.as_ref().map(|problem| problem.message.as_str());
        let json = serde_json::to_value(&summary).expect("a summary is plain data");
        let cursors = progress.totals.cursors();
        let cursors = if ended.is_ok() { cursors } else { &[] };
        let end = EndOfRun { status, error, summary: &json, cursors, notifications: &[] };
        ledger.end_run(&claim, &end).await?;
        if let Some(context) = &context {
            context.notify(&summary, &cancel).await;
        }
        observer.event(Event::RunFinished(Box::new(summary.clone())));
        Ok((summary, progress.totals))
    }
}

impl RunContext {
    fn breaker_reports(&self) -> Vec<BreakerReport> {
        self.around.breakers.values().map(Breaker::report).collect()
    }

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
        self.ledger.start_commit(&self.claim).await?;
        self.commit(progress).await
    }
}

/// The breakers of all steps that have one.
fn breakers(
    policies: &Policies,
    observer: &Arc<dyn Observer>,
    meters: &Arc<Meters>,
    opened: &UnboundedSender<Transition>,
) -> BTreeMap<String, Breaker> {
    let breaker = |(step, policy): (&String, &BreakerPolicy)| {
        if let Some(meter) = meters.step(step) {
            meter.breaker(BreakerState::Closed);
        }
        let (observer, meters) = (Arc::clone(observer), Arc::clone(meters));
        let opened = opened.clone();
        let tell = move |change: Transition| {
            let Transition { step, state, message } = change.clone();
            if let Some(meter) = meters.step(&step) {
                meter.breaker(state);
            }
            observer.event(Event::Breaker { step, state, message });
            if matches!(change.state, BreakerState::Open | BreakerState::GivenUp) {
                // Nobody listens any more where the run has ended.
                let _ = opened.send(change);
            }
        };
        (step.clone(), Breaker::new(step, *policy, Arc::new(tell)))
    };
    policies.breakers.iter().map(breaker).collect()
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
