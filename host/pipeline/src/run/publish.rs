//! Publishing what was staged, once per run.
//!
//! | Step | In the ledger | Whoever comes after a crash |
//! |---|---|---|
//! | 1. all manifests accepted, gates passed | `running` | goes on |
//! | 2. the run commits, and nothing of it changes any more | `committing` | finishes it |
//! | 3. each sink publishes the parts that manifests name | | repeats it: a sink finds what it did |
//! | 4. each sink is noted as published | commits | passes over it |
//! | 5. the run ends; cursors move, and the outbox is filled | `succeeded` | sweeps |
//!
//! From 2 to 5 no other run of the pipeline publishes, by a lock of the ledger: each would take away what the other has just
//! published where a sink replaces. A run that was stopped there is finished before another one of its pipeline begins, and before another
//! one publishes: otherwise the older rows would come after the newer, or rows come twice that both have read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use wasmill_connect::crash;
use wasmill_connect::sink::{CommitReport, Publish};
use wasmill_ledger::{
    Claim, CommitStart, EndOfRun, Ended, Ledger, Lock, Run, RunStatus, Share, SplitEntry,
};

use crate::checked::{CheckedPipeline, SinkStep, SinkTarget};
use crate::events::Event;
use crate::plan::Phase;
use crate::run::failure::{CommitError, RunFailure};
use crate::run::gate::reports;
use crate::run::open::{RunError, this_process};
use crate::run::summary::SinkReport;
use crate::run::{Accepted, Progress, RunContext};

impl RunContext {
    /// Waits until no other run of the pipeline publishes, and finishes what one has begun that is no more.
    pub(super) async fn publishing(&self, cancel: &CancellationToken) -> Result<Lock, RunFailure> {
        crash::point("before-publishing");
        let lock = tokio::select! {
            lock = self.ledger.lock_publishing(&self.pipeline.name) => lock?,
            () = cancel.cancelled() => return Err(RunFailure::Interrupted),
        };
        for earlier in stopped_while_publishing(&self.ledger, &self.pipeline.name).await? {
            if earlier.id == self.run {
                continue;
            }
            let run = earlier.id.clone();
            let finished = self.pipeline.whole().clone().finish(&self.ledger, &earlier).await;
            match finished {
                Ok(true) => {}
                // Whoever works on it waits for the lock that is held here.
                Ok(false) => return Err(RunFailure::EarlierRun { run, source: None }),
                Err(error) => {
                    return Err(RunFailure::EarlierRun { run, source: Some(Box::new(error)) });
                }
            }
        }
        Ok(lock)
    }

    /// From here on the run is finished, whatever happens, and by whoever comes.
    pub(super) async fn start_publishing(&self, claim: &Claim) -> Result<(), RunFailure> {
        crash::point("before-commit");
        match self.ledger.start_commit(claim).await? {
            CommitStart::Begun => {}
            CommitStart::TakenOver => return Err(RunFailure::TakenOver),
            CommitStart::Closed(status) => return Err(RunFailure::Closed { status }),
            CommitStart::CursorsMoved { source, by } => {
                return Err(RunFailure::CursorsMoved { source_name: source, by });
            }
            CommitStart::AnotherPublishes { run } => {
                return Err(RunFailure::EarlierRun { run, source: None });
            }
        }
        crash::point("commit-begun");
        Ok(())
    }

    /// Publishes all sinks, in the order of the file.
    pub(super) async fn publish(
        &self,
        claim: &Claim,
        progress: &mut Progress,
    ) -> Result<(), RunFailure> {
        let noted: BTreeSet<String> =
            self.ledger.commits(&self.run).await?.into_iter().map(|commit| commit.sink).collect();
        for (name, sink) in &self.pipeline.sinks {
            // Repeated even where it is noted: it costs little, and the report is wanted.
            let report = self.publish_sink(sink, progress).await.map_err(|source| {
                let mut published = noted.clone();
                published.extend(progress.sinks.iter().map(|sink| sink.sink.clone()));
                published.remove(name);
                let published = published.into_iter().collect();
                RunFailure::Commit { sink: name.clone(), published, source: Box::new(source) }
            })?;
            crash::point("after-commit");
            let json = serde_json::to_value(&report).expect("a report is plain data");
            if !self.ledger.add_commit(claim, name, &json).await? {
                return Err(RunFailure::TakenOver);
            }
            self.pipeline.observer.event(Event::Committed {
                sink: name.clone(),
                target: report.target.clone(),
                rows: report.rows,
            });
            progress.sinks.push(SinkReport { sink: name.clone(), report });
        }
        crash::point("before-end");
        Ok(())
    }

    /// Publishes a run that was stopped while it published: what its manifests name.
    pub(super) async fn finish_publishing(
        &self,
        claim: &Claim,
        mut manifests: Accepted,
        progress: &mut Progress,
    ) -> Result<(), RunFailure> {
        let planned = self.planned().await.map_err(as_failure)?;
        for split in self.in_order(planned) {
            let (phase, split) = (split.phase, split.split);
            let Some(manifest) = manifests.remove(&(phase.clone(), split.clone())) else {
                return Err(RunFailure::Host(format!(
                    "the run began to publish without a manifest of {phase} {split}"
                )));
            };
            // What was published is not there any more.
            for part in manifest.parts.values().filter(|part| part.path.exists()) {
                part.verify().map_err(|error| RunFailure::Host(crate::error::chain(&error)))?;
            }
            progress.totals.add(manifest);
        }
        progress.gates = reports(&self.ledger.history(&self.run, 0).await?);
        self.publish(claim, progress).await
    }

    /// The splits in the order in which a run works through them, which is that of their rows in a sink. Phases that are in the
    /// file no more come last.
    fn in_order(
        &self,
        mut planned: BTreeMap<String, Vec<SplitEntry>>,
    ) -> impl Iterator<Item = SplitEntry> {
        let mut phases: Vec<&Phase> = self.phases.iter().collect();
        phases.sort_by_key(|phase| phase.level);
        let mut ordered: Vec<_> =
            phases.into_iter().filter_map(|phase| planned.remove(&phase.end)).collect();
        ordered.extend(planned.into_values());
        ordered.into_iter().flatten()
    }

    /// Publishes one sink; a commit can be repeated, so it is when it fails by chance.
    async fn publish_sink(
        &self,
        sink: &SinkStep,
        progress: &Progress,
    ) -> Result<CommitReport, CommitError> {
        let retry = *self.pipeline.policies.retry(&sink.name);
        retry.run(|| self.try_publish(sink, progress)).await
    }

    async fn try_publish(
        &self,
        sink: &SinkStep,
        progress: &Progress,
    ) -> Result<CommitReport, CommitError> {
        match &sink.target {
            SinkTarget::Connector(target) => {
                let parts = progress.totals.parts(&sink.name);
                let schema = Arc::clone(&sink.schema);
                let publish = match self.pipeline.replay {
                    Some(_) => Publish::Added,
                    None => Publish::AsConfigured,
                };
                let published = target.commit(schema, &self.run, parts, publish).await;
                if let Some(meter) = self.pipeline.meters.step(&sink.name) {
                    match &published {
                        Ok(report) => meter.published(report.bytes),
                        Err(_) => meter.commit_failed(),
                    }
                }
                Ok(published?)
            }
            SinkTarget::Plugin { loader, .. } => {
                let receipts = progress.totals.receipts(&sink.name);
                loader.commit(&self.run, receipts).await.map_err(CommitError::Plugin)?;
                crash::point("mid-commit");
                Ok(CommitReport {
                    target: format!("loader `{}`", sink.name),
                    rows: receipts.iter().map(|receipt| receipt.rows).sum(),
                    bytes: 0,
                    files: Vec::new(),
                })
            }
        }
    }
}

impl CheckedPipeline {
    /// Finishes runs of this pipeline that were stopped while they published.
    pub(crate) async fn finish_earlier(&self, ledger: &Ledger) -> Result<(), RunError> {
        if stopped_while_publishing(ledger, &self.name).await?.is_empty() {
            return Ok(());
        }
        crash::point("before-publishing");
        let _publishing = ledger.lock_publishing(&self.name).await?;
        // As it is now that nobody else publishes.
        for earlier in stopped_while_publishing(ledger, &self.name).await? {
            self.clone().finish(ledger, &earlier).await?;
        }
        Ok(())
    }

    /// Finishes a run that was stopped while it published; false when somebody works on it. The lock on publishing is held.
    async fn finish(self, ledger: &Ledger, run: &Run) -> Result<bool, RunError> {
        let Some(_lock) = ledger.lock_run(&run.id, Share::Exclusive).await? else {
            return Ok(false);
        };
        let pipeline = self.of_run(ledger, run).await?;
        let sinks: Vec<&str> = pipeline.sinks.keys().map(String::as_str).collect();
        let differences = pipeline.identity.differences_of_sinks(&run.fingerprint, &sinks);
        if !differences.is_empty() {
            return Err(RunError::Unfinished { run: run.id.clone(), differences });
        }
        let claim = ledger.claim_run(&run.id, &this_process()).await?;
        if claim.status != RunStatus::Committing {
            return Ok(true);
        }
        let folders = pipeline.folders(ledger, &run.id);
        let (context, _opened) =
            RunContext::new(pipeline, ledger.clone(), run.id.clone(), folders)?;
        let finished = context.finish_alone(&claim, run.started_ms).await;
        finished.map_err(|source| RunError::NotFinished {
            run: run.id.clone(),
            source: source.into(),
        })?;
        context.pipeline.observer.event(Event::EarlierFinished { run: run.id.clone() });
        context.sweep_published();
        Ok(true)
    }
}

impl RunContext {
    /// Publishes and ends a run of which only that is missing.
    async fn finish_alone(&self, claim: &Claim, started_ms: i64) -> Result<(), RunFailure> {
        let mut progress = Progress::default();
        let manifests = self.accepted().await?;
        self.finish_publishing(claim, manifests, &mut progress).await?;
        let mut summary = self.summary(&progress, claim, None);
        summary.started_ms = started_ms;
        let end = EndOfRun {
            status: summary.status,
            error: None,
            summary: &serde_json::to_value(&summary).expect("a summary is plain data"),
            cursors: self.cursors(&progress),
            notifications: &self.notifications(&summary, claim.epoch),
        };
        match self.ledger.end_run(claim, &end).await? {
            Ended::Ended { .. } | Ended::Closed(RunStatus::Succeeded) => Ok(()),
            Ended::TakenOver => Err(RunFailure::TakenOver),
            Ended::Closed(status) => Err(RunFailure::Closed { status }),
        }
    }
}

/// Runs of a pipeline that have begun to publish and not ended, oldest first.
async fn stopped_while_publishing(
    ledger: &Ledger,
    pipeline: &str,
) -> Result<Vec<Run>, wasmill_ledger::LedgerError> {
    let mut runs = ledger.unfinished(pipeline).await?;
    runs.retain(|run| run.status == RunStatus::Committing);
    Ok(runs)
}

fn as_failure(error: RunError) -> RunFailure {
    match error {
        RunError::Ledger(error) => RunFailure::Ledger(error),
        error => RunFailure::Host(error.to_string()),
    }
}
