//! Working through phases: splits, attempts at them, manifests accepted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wasmill_connect::crash;
use wasmill_ledger::{
    Acceptance, CursorEntry, NewPhase, NewSplit, QuarantineEntry, RunStatus, SplitEntry,
};
use wasmill_sandbox::extractor::Cursor;

use crate::checked::{SourceReader, Work};
use crate::error::{StepError, chain, step_error};
use crate::events::Event;
use crate::exec::stage::read_manifest;
use crate::exec::task::{Manifest, Task};
use crate::plan::tasks::{StagedFiles, TaskPlanner, descriptor};
use crate::plan::{Lane, Phase};
use crate::policy::retry::Retry;
use crate::run::failure::RunFailure;
use crate::run::resume::Kept;
use crate::run::{Progress, RunContext};

/// How long splits that are being worked on may take when a run is interrupted.
const DRAIN: Duration = Duration::from_secs(20);

/// Fewer failed splits say nothing about the others.
const TELLING_FAILURES: usize = 3;
/// No other split is begun when one in so many, of those that have ended, has failed.
const FAILED_ONE_IN: usize = 10;

/// The manifest of a split, with its phase and its place there.
type Worked = Result<((usize, usize), Manifest), RunFailure>;

/// How many splits may be begun and not ended. Beside those that are worked on, as many may wait for the disk and for the ledger: their
/// rows are done with. But one worker does one split after the other, for whoever wants to follow what happens.
fn at_once(workers: usize) -> usize {
    if workers == 1 { 1 } else { 2 * workers }
}

/// One split of one lane.
pub(super) struct SplitTask {
    pub(super) phase: usize,
    pub(super) lane: usize,
    /// Orders the splits of a phase.
    pub(super) index: usize,
    pub(super) id: String,
    pub(super) descriptor: String,
}

impl RunContext {
    /// Works through all phases, level by level; what is kept of an earlier process is not done again.
    pub(super) async fn work_through(
        self: &Arc<Self>,
        mut kept: Kept,
        progress: &mut Progress,
        cancel: &CancellationToken,
    ) -> Result<(), RunFailure> {
        let mut staged = Arc::new(StagedFiles::new());
        for level in 0..self.levels() {
            let mut queue = VecDeque::new();
            let mut accepted = BTreeMap::new();
            for task in self.splits_of_level(level, &staged, &mut kept).await? {
                let phase = &self.phases[task.phase];
                match kept.manifests.remove(&(phase.end.clone(), task.id.clone())) {
                    Some(manifest) => {
                        self.pipeline
                            .observer
                            .event(Event::SplitKept { phase: phase.end.clone(), split: task.id });
                        accepted.insert((task.phase, task.index), manifest);
                    }
                    None => queue.push_back(task),
                }
            }
            let worked = self.work_off(queue, &staged, cancel, &mut accepted).await;
            let mut files = StagedFiles::clone(&staged);
            for ((phase, _), manifest) in accepted {
                let phase = &self.phases[phase];
                add_staged(&mut files, phase, &manifest);
                progress.totals.add(manifest);
            }
            staged = Arc::new(files);
            // What was accepted counts in the summary, however the level ended.
            worked?;
        }
        Ok(())
    }

    pub(super) fn levels(&self) -> usize {
        self.phases.iter().map(|phase| phase.level + 1).max().unwrap_or(0)
    }

    /// The splits of all phases of a level: as they were planned, or planned now.
    pub(super) async fn splits_of_level(
        &self,
        level: usize,
        staged: &StagedFiles,
        kept: &mut Kept,
    ) -> Result<Vec<SplitTask>, RunFailure> {
        let digests = self.pipeline.identity.of_phases(&self.phases);
        let mut all = Vec::new();
        for (index, phase) in
            self.phases.iter().enumerate().filter(|(_, phase)| phase.level == level)
        {
            let tasks = match kept.planned.remove(&phase.end) {
                Some(planned) => planned_tasks(index, planned),
                None => {
                    let wanted = kept.wanted_splits;
                    self.plan_phase(index, &digests[index], staged, wanted).await?
                }
            };
            let (phase, splits) = (phase.end.clone(), tasks.len());
            self.pipeline.observer.event(Event::PhaseStarted { phase, splits });
            all.extend(tasks);
        }
        Ok(all)
    }

    /// Runs all tasks of a level, some at once. Adds their manifests, by phase and split.
    ///
    /// When a split fails, the others go on, so that only that one is to be done again; but not where they are likely to fail too. When the
    /// run is interrupted, those that are being worked on are finished, within limits.
    pub(super) async fn work_off(
        self: &Arc<Self>,
        mut queue: VecDeque<SplitTask>,
        staged: &Arc<StagedFiles>,
        cancel: &CancellationToken,
        accepted: &mut BTreeMap<(usize, usize), Manifest>,
    ) -> Result<(), RunFailure> {
        let mut running = JoinSet::new();
        let workers = self.pipeline.settings.workers;
        let slots = Arc::new(Semaphore::new(workers));
        let mut failures: Vec<RunFailure> = Vec::new();
        let mut succeeded = 0;
        loop {
            if running.is_empty() && queue.is_empty() {
                break;
            }
            let has_room = running.len() < at_once(workers);
            let joined = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    self.drain(running, accepted).await;
                    return Err(failures.into_iter().next().unwrap_or(RunFailure::Interrupted));
                }
                Some(joined) = running.join_next() => joined,
                slot = Arc::clone(&slots).acquire_owned(), if has_room && !queue.is_empty() => {
                    let slot = slot.expect("nobody closes it");
                    let task = queue.pop_front().expect("it is not empty");
                    let (context, staged) = (Arc::clone(self), Arc::clone(staged));
                    let (slots, cancel) = (Arc::clone(&slots), cancel.clone());
                    running.spawn(crash::inherited(async move {
                        let worked = context.attempts(&task, &staged, &cancel, &slots, slot).await;
                        Ok::<_, RunFailure>(((task.phase, task.index), worked?))
                    }));
                    continue;
                }
            };
            let failure = match joined {
                Ok(Ok((place, manifest))) => {
                    succeeded += 1;
                    accepted.insert(place, manifest);
                    continue;
                }
                Ok(Err(failure)) => failure,
                Err(error) => RunFailure::Host(format!("a task ended unexpectedly: {error}")),
            };
            failures.push(failure);
            let last = failures.last().expect("one was just added");
            let failed = failures.len();
            let many = failed >= TELLING_FAILURES && failed * FAILED_ONE_IN >= failed + succeeded;
            if last.concerns_all_splits() || many {
                queue.clear();
            }
        }
        match failures.into_iter().next() {
            Some(first) => Err(first),
            None => Ok(()),
        }
    }

    /// Waits for the splits that are being worked on.
    async fn drain(
        &self,
        mut running: JoinSet<Worked>,
        accepted: &mut BTreeMap<(usize, usize), Manifest>,
    ) {
        self.pipeline.observer.event(Event::Draining { splits: running.len() });
        let drained = async {
            while let Some(joined) = running.join_next().await {
                if let Ok(Ok((place, manifest))) = joined {
                    accepted.insert(place, manifest);
                }
            }
        };
        if tokio::time::timeout(DRAIN, drained).await.is_err() {
            running.shutdown().await;
        }
    }

    /// Divides a phase into splits, lane by lane, and enters them in the ledger.
    async fn plan_phase(
        &self,
        index: usize,
        digest: &str,
        staged: &StagedFiles,
        wanted: Option<u32>,
    ) -> Result<Vec<SplitTask>, RunFailure> {
        let phase = &self.phases[index];
        let planner = self.planner(staged);
        let mut tasks = Vec::new();
        let mut seen = Vec::new();
        for (lane_index, lane) in phase.lanes.iter().enumerate() {
            let descriptors = match lane.source() {
                Some(name) => {
                    let (descriptors, cursors) = self.source_splits(name, wanted).await?;
                    seen.extend(cursors.map(|cursors| (name.to_owned(), cursors)));
                    descriptors
                }
                None => planner
                    .staged_splits(lane)
                    .iter()
                    .map(descriptor)
                    .collect::<datafusion::error::Result<_>>()?,
            };
            for (index_in_lane, descriptor) in descriptors.into_iter().enumerate() {
                tasks.push(SplitTask {
                    phase: index,
                    lane: lane_index,
                    index: tasks.len(),
                    id: format!("{}-{index_in_lane:05}", lane.label),
                    descriptor,
                });
            }
        }
        let splits = tasks.iter().map(SplitTask::entry).collect::<Result<Vec<_>, _>>()?;
        let new = NewPhase {
            phase: &phase.end,
            level: u32::try_from(phase.level).unwrap_or(u32::MAX),
            digest,
            splits: &splits,
            cursors: &seen,
        };
        self.ledger.add_phase(&self.run, &new).await?;
        Ok(tasks)
    }

    fn planner<'a>(&'a self, staged: &'a StagedFiles) -> TaskPlanner<'a> {
        TaskPlanner { pipeline: &self.pipeline, engine: &self.engine, staged }
    }

    /// The splits of a source, and of an extractor the cursors from which it goes on.
    async fn source_splits(
        &self,
        name: &str,
        wanted: Option<u32>,
    ) -> Result<(Vec<String>, Option<Vec<CursorEntry>>), RunFailure> {
        let Some(Work::Source(work)) = self.pipeline.steps.get(name).map(|step| &step.work) else {
            return Err(RunFailure::Host(format!("`{name}` is no source")));
        };
        let retry = *self.pipeline.policies.retry(name);
        match &work.reader {
            SourceReader::Connector(source) => {
                let splits = retry.run(|| source.splits(wanted)).await;
                let splits = splits
                    .map_err(|source| RunFailure::Splits { step: name.to_owned(), source })?;
                let descriptors = splits.iter().map(descriptor);
                Ok((descriptors.collect::<datafusion::error::Result<_>>()?, None))
            }
            SourceReader::Plugin { extractor, .. } => {
                // Where rows of the quarantine are put through, it is only looked things up in, in all that there is.
                let replays = self.pipeline.replay.is_some();
                let seen = match replays {
                    true => Vec::new(),
                    false => self.ledger.cursors(&self.pipeline.name, name).await?,
                };
                let cursors: Vec<Cursor> = seen
                    .iter()
                    .map(|cursor| Cursor {
                        split: cursor.split.clone(),
                        position: cursor.position.clone(),
                    })
                    .collect();
                let splits = retry.run(|| extractor.plan(&cursors)).await;
                let splits = splits.map_err(|fault| RunFailure::Plugin {
                    step: name.to_owned(),
                    fault: Box::new(fault),
                })?;
                let descriptors = splits.iter().map(descriptor);
                Ok((
                    descriptors.collect::<datafusion::error::Result<_>>()?,
                    (!replays).then_some(seen),
                ))
            }
        }
    }

    /// Tries a split until an attempt succeeds, or fails for a reason that is not chance.
    async fn attempts(
        &self,
        split: &SplitTask,
        staged: &StagedFiles,
        cancel: &CancellationToken,
        slots: &Arc<Semaphore>,
        slot: OwnedSemaphorePermit,
    ) -> Result<Manifest, RunFailure> {
        let mut slot = Some(slot);
        let phase = &self.phases[split.phase];
        let lane = &phase.lanes[split.lane];
        // Each step that fails by chance has a policy of its own.
        let mut retries: BTreeMap<String, Retry> = BTreeMap::new();
        let began = Instant::now();
        let mut number = 1;
        loop {
            let task = Task::new(Arc::clone(&self.around), &phase.end, &split.id);
            task.hold(match slot.take() {
                Some(slot) => slot,
                None => Arc::clone(slots).acquire_owned().await.expect("nobody closes it"),
            });
            let (end, id, attempt) = (&phase.end, &split.id, task.attempt.clone());
            self.ledger.start_attempt(&self.run, end, id, &attempt, &self.process).await?;
            let worked = self.attempt(split, phase, lane, staged, &task).await;
            task.leave();
            let error = match worked {
                Ok(manifest) => return self.accept(phase, manifest).await,
                Err(error) => error,
            };
            if let Some(meter) = self.pipeline.meters.step(error.step()) {
                meter.failed(&error);
            }
            let message = self.around.secrets.apply(&chain(&*error));
            let policy = self.pipeline.policies.retry(error.step());
            let retry =
                retries.entry(error.step().to_owned()).or_insert_with(|| policy.started_at(began));
            let wait = retry.wait_after(&*error);
            self.ledger.fail_attempt(&self.run, end, id, &attempt, &message, wait).await?;
            let Some(wait) = wait else {
                let (phase, split) = (end.clone(), id.clone());
                let event = Event::SplitFailed { phase, split, attempt: number, error: message };
                self.pipeline.observer.event(event);
                return Err(RunFailure::Step(error));
            };
            self.pipeline.observer.event(Event::SplitRetried {
                phase: end.clone(),
                split: id.clone(),
                attempt: number,
                error: message,
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            });
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                // Nothing is lost: it is done when the run goes on.
                () = cancel.cancelled() => return Err(RunFailure::Interrupted),
            }
            number += 1;
        }
    }

    async fn attempt(
        &self,
        split: &SplitTask,
        phase: &Phase,
        lane: &Lane,
        staged: &StagedFiles,
        task: &Arc<Task>,
    ) -> Result<Manifest, Arc<StepError>> {
        #[cfg(test)]
        if let Some(staged) = super::model::stage(self, phase, task).await {
            return Ok(staged);
        }
        let worked = async {
            let plan = self.planner(staged).plan(phase, lane, &split.descriptor, task).await?;
            let stream = plan.execute(0, self.engine.task_context())?;
            let batches: Vec<_> = stream.try_collect().await?;
            match &batches[..] {
                [batch] => read_manifest(batch),
                _ => Err(datafusion::error::DataFusionError::Internal(
                    "a task returns one manifest".to_owned(),
                )),
            }
        };
        worked.await.map_err(|error| step_error(&phase.end, &error))
    }

    /// Has a manifest accepted. Another one counts where some other process was faster; its rows are the same.
    async fn accept(&self, phase: &Phase, manifest: Manifest) -> Result<Manifest, RunFailure> {
        let mut quarantined = Vec::new();
        for file in &manifest.quarantine {
            for (rule, column, rows) in &file.rules {
                quarantined.push(QuarantineEntry {
                    step: file.step.clone(),
                    phase: phase.end.clone(),
                    split: manifest.split.clone(),
                    rule: rule.clone(),
                    column: column.clone(),
                    rows: i64::try_from(*rows).unwrap_or(i64::MAX),
                    file: file.file.display().to_string(),
                    purged_ms: None,
                });
            }
        }
        let json = serde_json::to_value(&manifest).expect("a manifest is plain data");
        let (split, attempt) = (&manifest.split, &manifest.attempt);
        crash::point("before-manifest");
        let acceptance =
            self.ledger.accept(&self.run, &phase.end, split, attempt, &json, &quarantined).await?;
        crash::point("after-manifest");
        match acceptance {
            Acceptance::Accepted => {
                self.pipeline.observer.event(Event::SplitAccepted {
                    phase: phase.end.clone(),
                    split: split.clone(),
                    attempt: attempt.clone(),
                });
                Ok(manifest)
            }
            Acceptance::AnotherCounts { .. } => {
                let place = (phase.end.clone(), split.clone());
                self.forget(std::iter::once(manifest)).await;
                let mut accepted = self.accepted().await?;
                accepted.remove(&place).ok_or_else(|| {
                    RunFailure::Host(format!("the ledger lost the manifest of {}", place.1))
                })
            }
            Acceptance::Closed(status) => {
                self.forget(std::iter::once(manifest)).await;
                Err(match status {
                    RunStatus::Running => RunFailure::TakenOver,
                    status => RunFailure::Closed { status },
                })
            }
        }
    }
}

impl SplitTask {
    fn entry(&self) -> Result<NewSplit, RunFailure> {
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        Ok(NewSplit {
            id: self.id.clone(),
            lane: number(self.lane),
            position: number(self.index),
            descriptor: serde_json::from_str(&self.descriptor)
                .map_err(|error| RunFailure::Host(format!("a descriptor is no JSON: {error}")))?,
        })
    }
}

/// Splits as they were planned.
pub(super) fn planned_tasks(phase: usize, planned: Vec<SplitEntry>) -> Vec<SplitTask> {
    let task = |(index, entry): (usize, SplitEntry)| SplitTask {
        phase,
        lane: entry.lane as usize,
        index,
        id: entry.split,
        descriptor: entry.descriptor.to_string(),
    };
    planned.into_iter().enumerate().map(task).collect()
}

/// Adds what a split staged for later phases.
pub(super) fn add_staged(files: &mut StagedFiles, phase: &Phase, manifest: &Manifest) {
    if phase.for_later
        && let Some(part) = &manifest.staged
    {
        files.entry(phase.end.clone()).or_default().push(part.path.clone());
    }
}
