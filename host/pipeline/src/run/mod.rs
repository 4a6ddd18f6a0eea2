//! A run: phases worked through, the gate, one commit, notifications.
//!
//! ```text
//!   splits ─▶ attempts ─▶ manifests accepted ─▶ gate ─▶ commit ─▶ end, with outbox ─▶ sweep ─▶ notifiers
//!   └────────── nothing is published ──────────────┘ └─ finished ─┘
//!                  can be resumed                     by whoever comes
//! ```
//!
//! The ledger is the truth. An attempt at a split counts when its manifest was accepted there; a run that began to commit is
//! finished, never given up; what is on disk and named by neither is swept. So a process may die at any point, and whoever
//! comes next finds what to do in the ledger:
//!
//! - [`open`]: who may work on a run, and what there is of it;
//! - `resume`: what of it can be kept;
//! - `attempts`: what is missing is done;
//! - [`gate`], `publish`: all of it is judged, and published once;
//! - [`partition`]: the same, divided among processes by somebody else's scheduler;
//! - `sweep`, `notify`: what comes after.

mod attempts;
pub mod failure;
mod gate;
#[cfg(test)]
mod model;
pub(crate) mod notify;
pub mod open;
pub mod partition;
mod publish;
pub mod resume;
pub mod summary;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;
use wasmill_ledger::{Claim, CursorEntry, EndOfRun, Ended, Ledger, Lock, RunKind, RunStatus};

use crate::checked::CheckedPipeline;
use crate::error::chain;
use crate::events::Event;
use crate::exec::sql::Engine;
use crate::exec::task::{Folders, Manifest, Surroundings};
use crate::plan::{Phase, phases};
use crate::policy::breaker::{Breaker, BreakerPolicy, BreakerReport, BreakerState, Transition};
use crate::run::failure::RunFailure;
use crate::run::gate::GateReport;
use crate::run::open::RunError;
use crate::run::resume::Kept;
use crate::run::summary::{RunProblem, RunSummary, SinkReport, Totals};

/// What a run shares with its tasks.
pub(crate) struct RunContext {
    pub(crate) pipeline: CheckedPipeline,
    pub(crate) ledger: Ledger,
    pub(crate) run: String,
    pub(crate) around: Arc<Surroundings>,
    pub(crate) engine: Engine,
    pub(crate) phases: Arc<[Phase]>,
    /// Who works on it, for a person.
    pub(crate) process: String,
}

/// What is known of a run that came to its end, one way or another.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) totals: Totals,
    pub(crate) gates: Vec<GateReport>,
    pub(crate) sinks: Vec<SinkReport>,
    /// Whether publishing has begun, from where on a run is finished and not given up.
    pub(crate) publishing: bool,
}

/// A run that this process works on, alone, until this is dropped.
pub(crate) struct Driver {
    context: Arc<RunContext>,
    claim: Claim,
    pub(super) _lock: Lock,
    /// Breakers that opened.
    opened: UnboundedReceiver<Transition>,
    kept: Kept,
}

impl CheckedPipeline {
    /// Runs the pipeline to its end, or until `cancel` is cancelled: splits that are being worked on are finished then, and nothing
    /// is published.
    ///
    /// A run that fails is no error here: its summary says how it ended.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be opened or written, or an earlier run was interrupted while it published and cannot be finished.
    pub async fn run(self, cancel: CancellationToken) -> Result<RunSummary, RunError> {
        self.run_as(None, cancel).await
    }

    /// The same, under an id that the caller gives: with the same id and inputs, the published files have the same names and bytes.
    ///
    /// # Errors
    ///
    /// Also when there is a run of that id.
    pub async fn run_as(
        self,
        id: Option<String>,
        cancel: CancellationToken,
    ) -> Result<RunSummary, RunError> {
        self.meters.start();
        Ok(self.run_counted(id, cancel).await?.0)
    }

    /// Runs the pipeline, and returns the sums behind the summary too.
    pub(crate) async fn run_counted(
        self,
        id: Option<String>,
        cancel: CancellationToken,
    ) -> Result<(RunSummary, Totals), RunError> {
        let ledger = Ledger::create(&self.settings.ledger, &self.base).await?;
        self.run_in(ledger, id, &cancel).await
    }

    /// Runs the pipeline over a ledger that is open.
    async fn run_in(
        self,
        ledger: Ledger,
        id: Option<String>,
        cancel: &CancellationToken,
    ) -> Result<(RunSummary, Totals), RunError> {
        self.finish_earlier(&ledger).await?;
        let driver = self.enter(ledger, id, RunKind::Run).await?;
        driver.drive(cancel).await
    }
}

impl Driver {
    /// Works on the run until it ends, and sees to what comes after.
    pub(crate) async fn drive(
        self,
        cancel: &CancellationToken,
    ) -> Result<(RunSummary, Totals), RunError> {
        let Self { context, claim, _lock, opened, kept } = self;
        let started = Instant::now();
        let mut progress = Progress::default();
        let resumed = kept.report();
        // Boxed: it is what all callers would have to carry around.
        let work = Box::pin(context.work(&claim, kept, &mut progress, cancel));
        let ended = context.while_telling(opened, cancel, work).await;
        let (ended, publishing) = match ended {
            Ok(lock) => (Ok(()), Some(lock)),
            Err(failure) => (Err(failure), None),
        };
        let mut summary = context.summary(&progress, &claim, ended.as_ref().err());
        summary.resumed = resumed;
        summary.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let superseded = context.end(&claim, &mut summary, &progress).await?;
        drop(publishing);
        context.pipeline.meters.run_ended(summary.status, started.elapsed());
        if summary.status == RunStatus::Succeeded {
            context.sweep_published();
        }
        Box::pin(context.sweep_final_runs(&superseded)).await;
        Box::pin(context.notify(cancel)).await;
        context.pipeline.observer.event(Event::RunFinished(Box::new(summary.clone())));
        Ok((summary, progress.totals))
    }
}

impl RunContext {
    /// Does some work, and tells meanwhile which breakers open.
    async fn while_telling<T>(
        self: &Arc<Self>,
        opened: UnboundedReceiver<Transition>,
        cancel: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> T {
        let has_ended = CancellationToken::new();
        let (telling, ending) = (Arc::clone(self), has_ended.clone());
        let mut telling =
            tokio::spawn(async move { telling.tell_of_breakers(opened, &ending).await });
        let ended = work.await;
        has_ended.cancel();
        tokio::select! {
            _ = &mut telling => {}
            // Whoever interrupts waits for nobody.
            () = cancel.cancelled() => telling.abort(),
        }
        ended
    }

    /// Everything up to the last sink. The lock keeps other runs of the pipeline from publishing until this one has ended.
    async fn work(
        self: &Arc<Self>,
        claim: &Claim,
        kept: Kept,
        progress: &mut Progress,
        cancel: &CancellationToken,
    ) -> Result<Lock, RunFailure> {
        if claim.status == RunStatus::Committing {
            let lock = self.publishing(cancel).await?;
            self.finish_publishing(claim, kept.manifests, progress).await?;
            return Ok(lock);
        }
        self.work_through(kept, progress, cancel).await?;
        progress.totals.check(&self.pipeline)?;
        self.gate(progress).await?;
        if cancel.is_cancelled() {
            return Err(RunFailure::Interrupted);
        }
        let lock = self.publishing(cancel).await?;
        self.check_still_replaces().await?;
        self.start_publishing(claim).await?;
        progress.publishing = true;
        self.publish(claim, progress).await?;
        Ok(lock)
    }

    /// How the run went so far.
    pub(super) fn summary(
        &self,
        progress: &Progress,
        claim: &Claim,
        failure: Option<&RunFailure>,
    ) -> RunSummary {
        let pipeline = &self.pipeline;
        let publishing = progress.publishing || claim.status == RunStatus::Committing;
        let status = match failure {
            None => RunStatus::Succeeded,
            // Others know how it goes on.
            Some(RunFailure::TakenOver | RunFailure::Closed { .. }) => RunStatus::Failed,
            Some(_) if publishing => RunStatus::Committing,
            Some(RunFailure::Refused { .. }) => RunStatus::Refused,
            Some(RunFailure::Interrupted) => RunStatus::Interrupted,
            Some(_) => RunStatus::Failed,
        };
        let problem =
            failure.map(|failure| RunProblem::new(failure, &self.run, &self.around.secrets));
        RunSummary {
            run: self.run.clone(),
            pipeline: pipeline.name.clone(),
            tenant: pipeline.tenant.clone(),
            status,
            replays: pipeline.replay.as_ref().map(|replay| replay.of.clone()),
            started_ms: i64::try_from(pipeline.start_time.as_millis()).unwrap_or(i64::MAX),
            elapsed_ms: 0,
            resumed: None,
            problem,
            steps: progress.totals.steps(pipeline),
            quarantined: progress.totals.quarantined(),
            warned: progress.totals.warned(),
            gates: progress.gates.clone(),
            sinks: progress.sinks.clone(),
            breakers: self.breaker_reports(),
        }
    }

    /// Enters in the ledger how the run ended, with what there is to tell, in one transaction. Returns the runs that were given up
    /// because of it. A summary is corrected when somebody else has decided meanwhile.
    async fn end(
        &self,
        claim: &Claim,
        summary: &mut RunSummary,
        progress: &Progress,
    ) -> Result<Vec<String>, RunError> {
        let notifications = self.notifications(summary, claim.epoch);
        let json = serde_json::to_value(&*summary).expect("a summary is plain data");
        if summary.status == RunStatus::Committing {
            let message = summary.problem.as_ref().map(|problem| problem.message.as_str());
            if !self.ledger.fail_commit(claim, message, &notifications).await? {
                let failure = RunFailure::TakenOver;
                summary.problem = Some(RunProblem::new(&failure, &self.run, &self.around.secrets));
                summary.status = RunStatus::Failed;
            }
            return Ok(Vec::new());
        }
        let succeeded = summary.status == RunStatus::Succeeded;
        let end = EndOfRun {
            status: summary.status,
            error: summary.problem.as_ref().map(|problem| problem.message.as_str()),
            summary: &json,
            cursors: if succeeded { self.cursors(progress) } else { &[] },
            notifications: &notifications,
        };
        let failure = match self.ledger.end_run(claim, &end).await? {
            Ended::Ended { superseded } => return Ok(superseded),
            Ended::TakenOver => RunFailure::TakenOver,
            // By another process that finished the same commit.
            Ended::Closed(RunStatus::Succeeded) if succeeded => return Ok(Vec::new()),
            Ended::Closed(status) => RunFailure::Closed { status },
        };
        if summary.problem.is_none() {
            summary.problem = Some(RunProblem::new(&failure, &self.run, &self.around.secrets));
            summary.status = RunStatus::Failed;
        }
        Ok(Vec::new())
    }

    /// Where the next run goes on reading: rows that were held back move nothing.
    fn cursors<'a>(&self, progress: &'a Progress) -> &'a [CursorEntry] {
        if self.pipeline.replay.is_some() { &[] } else { progress.totals.cursors() }
    }

    fn breaker_reports(&self) -> Vec<BreakerReport> {
        self.around.breakers.values().map(Breaker::report).collect()
    }

    /// A run of a pipeline as its tasks see it, and what its breakers have to tell.
    pub(super) fn new(
        pipeline: CheckedPipeline,
        ledger: Ledger,
        run: String,
        folders: Folders,
    ) -> Result<(Arc<Self>, UnboundedReceiver<Transition>), RunError> {
        for folder in [&folders.scratch, &folders.quarantine] {
            std::fs::create_dir_all(folder)
                .map_err(|source| RunError::Folder { path: folder.clone(), source })?;
        }
        let engine = Engine::new(&pipeline.settings, &folders.scratch)
            .map_err(|error| RunError::Host(error.strip_backtrace()))?;
        let (tell, opened) = mpsc::unbounded_channel();
        let around = Arc::new(Surroundings {
            run: run.clone(),
            folders,
            observer: Arc::clone(&pipeline.observer),
            seed: pipeline.settings.seed,
            breakers: breakers(&pipeline, &tell),
            meters: Arc::clone(&pipeline.meters),
            secrets: pipeline.secrets.clone(),
            lookups: pipeline
                .replay
                .as_ref()
                .map(|replay| replay.lookups.clone())
                .unwrap_or_default(),
        });
        let phases = phases(&pipeline).into();
        let process = open::this_process();
        let context = Self { pipeline, ledger, run, around, engine, phases, process };
        Ok((Arc::new(context), opened))
    }

    /// The manifests of a run, as the ledger has them, by phase and split.
    pub(super) async fn accepted(&self) -> Result<Accepted, RunFailure> {
        let mut accepted = Accepted::new();
        for entry in self.ledger.manifests(&self.run).await? {
            let manifest: Manifest = serde_json::from_value(entry.manifest).map_err(|error| {
                RunFailure::Host(format!(
                    "the manifest of {} {} in the ledger is unreadable: {}",
                    entry.phase,
                    entry.split,
                    chain(&error)
                ))
            })?;
            accepted.insert((entry.phase, entry.split), manifest);
        }
        Ok(accepted)
    }
}

/// Manifests that were accepted, by phase and split.
pub(crate) type Accepted = BTreeMap<(String, String), Manifest>;

/// The breakers of all steps that have one.
fn breakers(
    pipeline: &CheckedPipeline,
    opened: &mpsc::UnboundedSender<Transition>,
) -> BTreeMap<String, Breaker> {
    let (observer, meters) = (&pipeline.observer, &pipeline.meters);
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
    pipeline.policies.breakers.iter().map(breaker).collect()
}
