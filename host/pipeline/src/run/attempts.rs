//! Working through phases: splits, attempts at them, manifests accepted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wasmill_ledger::{NewPhase, NewSplit, QuarantineEntry};
use wasmill_sandbox::extractor::Cursor;

use crate::checked::{SourceReader, Work};
use crate::error::{StepError, chain, step_error};
use crate::events::Event;
use crate::exec::stage::read_manifest;
use crate::exec::task::{Manifest, Task};
use crate::plan::tasks::{StagedFiles, TaskPlanner, descriptor};
use crate::plan::{Lane, Origin, Phase};
use crate::policy::retry::Retry;
use crate::run::failure::RunFailure;
use crate::run::{Progress, RunContext};

/// One split of one lane.
struct SplitTask {
    phase: usize,
    lane: usize,
    /// Orders the splits of a phase.
    index: usize,
    id: String,
    descriptor: String,
}

impl RunContext {
    /// Works through all phases, level by level.
    pub(super) async fn work_through(
        self: &Arc<Self>,
        phases: &Arc<[Phase]>,
        progress: &mut Progress,
        cancel: &CancellationToken,
    ) -> Result<(), RunFailure> {
        let mut staged = Arc::new(StagedFiles::new());
        let levels = phases.iter().map(|phase| phase.level + 1).max().unwrap_or(0);
        for level in 0..levels {
            let mut queue = VecDeque::new();
            for (index, phase) in
                phases.iter().enumerate().filter(|(_, phase)| phase.level == level)
            {
                let tasks = self.splits(index, phase, &staged).await?;
                let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
                let splits: Vec<NewSplit> = tasks
                    .iter()
                    .map(|task| NewSplit {
                        id: task.id.clone(),
                        lane: number(task.lane),
                        position: number(task.index),
                        descriptor: serde_json::from_str(&task.descriptor).unwrap_or_default(),
                    })
                    .collect();
                let new = NewPhase {
                    phase: &phase.end,
                    level: number(phase.level),
                    digest: "",
                    splits: &splits,
                    cursors: &[],
                };
                self.ledger.add_phase(&self.run, &new).await?;
                let (phase, splits) = (phase.end.clone(), tasks.len());
                self.pipeline.observer.event(Event::PhaseStarted { phase, splits });
                queue.extend(tasks);
            }
            let mut accepted = BTreeMap::new();
            let worked = self.work_off(queue, phases, &staged, cancel, &mut accepted).await;
            let mut files = StagedFiles::clone(&staged);
            for ((phase, _), manifest) in accepted {
                let phase = &phases[phase];
                if phase.for_later
                    && let Some(part) = &manifest.staged
                {
                    files.entry(phase.end.clone()).or_default().push(part.path.clone());
                }
                progress.totals.add(manifest);
            }
            staged = Arc::new(files);
            // What was accepted counts in the summary, and for sweeping, however the level ended.
            worked?;
        }
        Ok(())
    }

    /// Runs all tasks of a level, some at once. Adds their manifests, by phase and split.
    async fn work_off(
        self: &Arc<Self>,
        mut queue: VecDeque<SplitTask>,
        phases: &Arc<[Phase]>,
        staged: &Arc<StagedFiles>,
        cancel: &CancellationToken,
        accepted: &mut BTreeMap<(usize, usize), Manifest>,
    ) -> Result<(), RunFailure> {
        let mut running = JoinSet::new();
        loop {
            while running.len() < self.pipeline.settings.workers
                && let Some(task) = queue.pop_front()
            {
                let (context, phases, staged) =
                    (Arc::clone(self), Arc::clone(phases), Arc::clone(staged));
                running.spawn(async move {
                    let manifest = context.attempts(&task, &phases, &staged).await?;
                    Ok::<_, RunFailure>(((task.phase, task.index), manifest))
                });
            }
            let joined = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    running.shutdown().await;
                    return Err(RunFailure::Interrupted);
                }
                joined = running.join_next() => joined,
            };
            match joined {
                None => return Ok(()),
                Some(Ok(Ok((place, manifest)))) => drop(accepted.insert(place, manifest)),
                Some(Ok(Err(failure))) => {
                    running.shutdown().await;
                    return Err(failure);
                }
                Some(Err(error)) => {
                    running.shutdown().await;
                    return Err(RunFailure::Host(format!("a task ended unexpectedly: {error}")));
                }
            }
        }
    }

    /// The splits of a phase, lane by lane.
    async fn splits(
        &self,
        phase_index: usize,
        phase: &Phase,
        staged: &StagedFiles,
    ) -> Result<Vec<SplitTask>, RunFailure> {
        let planner = self.planner(staged);
        let mut tasks = Vec::new();
        for (lane_index, lane) in phase.lanes.iter().enumerate() {
            let descriptors = match &lane.origin {
                Origin::Source(name) => self.source_splits(name).await?,
                _ => planner
                    .staged_splits(lane)
                    .iter()
                    .map(descriptor)
                    .collect::<datafusion::error::Result<_>>()?,
            };
            for (index, descriptor) in descriptors.into_iter().enumerate() {
                tasks.push(SplitTask {
                    phase: phase_index,
                    lane: lane_index,
                    index: tasks.len(),
                    id: format!("{}-{index:05}", lane.label),
                    descriptor,
                });
            }
        }
        Ok(tasks)
    }

    fn planner<'a>(&'a self, staged: &'a StagedFiles) -> TaskPlanner<'a> {
        TaskPlanner { pipeline: &self.pipeline, engine: &self.engine, staged }
    }

    async fn source_splits(&self, name: &str) -> Result<Vec<String>, RunFailure> {
        let Some(Work::Source(work)) = self.pipeline.steps.get(name).map(|step| &step.work) else {
            return Err(RunFailure::Host(format!("`{name}` is no source")));
        };
        let retry = *self.pipeline.policies.retry(name);
        match &work.reader {
            SourceReader::Connector(source) => {
                let splits = retry.run(|| source.splits()).await;
                let splits = splits
                    .map_err(|source| RunFailure::Splits { step: name.to_owned(), source })?;
                Ok(splits.iter().map(descriptor).collect::<datafusion::error::Result<_>>()?)
            }
            SourceReader::Plugin { extractor, .. } => {
                let cursors = self.ledger.cursors(&self.pipeline.name, name).await?;
                let cursors: Vec<Cursor> = cursors
                    .into_iter()
                    .map(|cursor| Cursor { split: cursor.split, position: cursor.position })
                    .collect();
                let splits = retry.run(|| extractor.plan(&cursors)).await;
                let splits = splits.map_err(|fault| RunFailure::Plugin {
                    step: name.to_owned(),
                    fault: Box::new(fault),
                })?;
                Ok(splits.iter().map(descriptor).collect::<datafusion::error::Result<_>>()?)
            }
        }
    }

    /// Tries a split until an attempt succeeds, or fails for a reason that is not chance.
    async fn attempts(
        &self,
        split: &SplitTask,
        phases: &[Phase],
        staged: &StagedFiles,
    ) -> Result<Manifest, RunFailure> {
        let phase = &phases[split.phase];
        let lane = &phase.lanes[split.lane];
        // Each step that fails by chance has a policy of its own.
        let mut retries: BTreeMap<String, Retry> = BTreeMap::new();
        let began = Instant::now();
        let mut attempt = 1;
        loop {
            let process = std::process::id().to_string();
            let name = attempt.to_string();
            let (run, end) = (&self.run, &phase.end);
            self.ledger.start_attempt(run, end, &split.id, &name, &process).await?;
            let error = match self.attempt(split, phase, lane, staged).await {
                Ok(manifest) => {
                    self.accept(phase, &manifest).await?;
                    return Ok(manifest);
                }
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
            self.ledger.fail_attempt(run, end, &split.id, &name, &message, wait).await?;
            let Some(wait) = wait else {
                return Err(RunFailure::Step(error));
            };
            self.pipeline.observer.event(Event::SplitRetried {
                phase: phase.end.clone(),
                split: split.id.clone(),
                attempt,
                error: message,
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            });
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        split: &SplitTask,
        phase: &Phase,
        lane: &Lane,
        staged: &StagedFiles,
    ) -> Result<Manifest, Arc<StepError>> {
        let task = Task::new(Arc::clone(&self.around), &phase.end, &split.id);
        let worked = async {
            let plan = self.planner(staged).plan(phase, lane, &split.descriptor, &task).await?;
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

    async fn accept(&self, phase: &Phase, manifest: &Manifest) -> Result<(), RunFailure> {
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
        let json = serde_json::to_value(manifest).expect("a manifest is plain data");
        let (split, attempt) = (&manifest.split, &manifest.attempt);
        self.ledger.accept(&self.run, &phase.end, split, attempt, &json, &quarantined).await?;
        self.pipeline.observer.event(Event::SplitAccepted {
            phase: phase.end.clone(),
            split: split.clone(),
            attempt: attempt.clone(),
        });
        Ok(())
    }
}
