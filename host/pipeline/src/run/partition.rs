//! A run divided among processes by somebody else's scheduler: planned once, worked on in partitions, published once.
//!
//! ```text
//!   plan ─▶ partition 0/N ┐
//!           partition 1/N ├─▶ commit        abort, instead of commit
//!           …             ┘
//! ```
//!
//! Processes share nothing but the ledger and the folders of the run. A partition is a list of splits, by their position: it is the
//! same whoever asks, so it can be repeated, and several may work on the same one; the first manifest of a split counts. What partitions have
//! in hand when the run is ended by somebody else is refused.
//!
//! Splits that read what other splits have staged are of a higher **level**; they are planned when all below are accepted. A scheduler can
//! have them worked on in partitions too, level by level; what is left is done by the commit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use wasmill_ledger::{EndOfRun, Ended, Ledger, Run, RunKind, RunStatus, Share};

use crate::checked::CheckedPipeline;
use crate::exec::task::Manifest;
use crate::identity::wanted_splits;
use crate::plan::tasks::StagedFiles;
use crate::run::attempts::add_staged;
use crate::run::failure::RunFailure;
use crate::run::open::{RunError, busy, locked, this_process};
use crate::run::resume::{Changes, Kept};
use crate::run::summary::RunSummary;
use crate::run::{Accepted, RunContext};

/// How a run is divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Into how many splits each source is divided, where it can be; none for what the file says.
    pub splits: Option<u32>,
    /// Which level: 0 for the splits of sources.
    pub level: usize,
}

/// A split of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedSplit {
    pub run: String,
    pub level: usize,
    /// How many levels the run has: the others are planned when those below are accepted, or done by the commit.
    pub levels: usize,
    /// Among the splits of the level: partition I of N has those of which this is I modulo N.
    pub position: usize,
    pub phase: String,
    pub split: String,
    /// What it consists of.
    pub descriptor: Value,
    /// Whether a manifest of it was accepted.
    pub accepted: bool,
}

/// Some splits of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    pub index: usize,
    /// How many there are; at least 1.
    pub of: usize,
    pub level: usize,
}

/// What was accepted of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestLine {
    pub run: String,
    pub level: usize,
    pub phase: String,
    pub split: String,
    pub attempt: String,
    /// Whether it was accepted before this process began.
    pub kept: bool,
    /// Rows that are staged for sinks and for later phases.
    pub rows: u64,
    pub quarantined: u64,
    pub parts: Vec<PartLine>,
}

/// Rows that are staged for a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartLine {
    pub sink: String,
    pub rows: u64,
    pub bytes: u64,
    pub checksum: String,
}

/// How a partition went.
#[derive(Debug)]
pub struct PartitionReport {
    /// Of the splits that were accepted.
    pub manifests: Vec<ManifestLine>,
    /// Why others were not.
    pub failure: Option<RunFailure>,
}

impl CheckedPipeline {
    /// Plans a level of a run, which is entered where there is none of that id. What was planned before stays as it is.
    ///
    /// # Errors
    ///
    /// When the run has ended, is not made of what it was any more, or when splits of lower levels are missing.
    pub async fn plan(
        self,
        id: Option<String>,
        options: PlanOptions,
    ) -> Result<Vec<PlannedSplit>, RunError> {
        let ledger = Ledger::create(&self.settings.ledger, &self.base).await?;
        self.plan_in(ledger, id, options).await
    }

    /// Plans a level of a run, over a ledger that is open.
    pub(super) async fn plan_in(
        self,
        ledger: Ledger,
        id: Option<String>,
        options: PlanOptions,
    ) -> Result<Vec<PlannedSplit>, RunError> {
        let id = self.run_id(id)?;
        let known = ledger.run(&id).await?.filter(|run| run.id == id);
        if known.is_none() {
            self.finish_earlier(&ledger).await?;
            let entered = self.enter_run(&ledger, &id, RunKind::Run, options.splits).await;
            // Another process may have been faster: then there is a run.
            if !matches!(entered, Err(RunError::Exists { .. })) {
                entered?;
            }
        }
        let run = self.find_named(&ledger, &id).await?;
        self.check_identity(&run)?;
        let folders = self.folders(&ledger, &id);
        let (context, _opened) = RunContext::new(self, ledger, id, folders)?;
        context.check_level(options.level)?;
        let mut accepted = context.accepted().await?;
        let mut kept = context.known(&run).await?;
        let is_planned = |kept: &Kept| {
            let mut of_level = context.phases.iter().filter(|phase| phase.level == options.level);
            of_level.all(|phase| kept.planned.contains_key(&phase.end))
        };
        if !is_planned(&kept) {
            let _lock = locked(&context.ledger, &run.id, Share::Exclusive).await?;
            accepted = context.accepted().await?;
            kept = context.known(&run).await?;
            let staged = context.staged_below(options.level, &kept, &accepted)?;
            context.splits_of_level(options.level, &staged, &mut kept).await?;
            kept = context.known(&run).await?;
        }
        let tasks = context.splits_of_level(options.level, &StagedFiles::new(), &mut kept).await?;
        let planned = tasks.into_iter().enumerate().map(|(position, task)| {
            let phase = context.phases[task.phase].end.clone();
            PlannedSplit {
                run: run.id.clone(),
                level: options.level,
                levels: context.levels(),
                position,
                accepted: accepted.contains_key(&(phase.clone(), task.id.clone())),
                phase,
                split: task.id,
                descriptor: serde_json::from_str(&task.descriptor).unwrap_or_default(),
            }
        });
        Ok(planned.collect())
    }

    /// Works on the splits of a partition that have no accepted manifest yet.
    ///
    /// # Errors
    ///
    /// When there is no such run, when its level is not planned, when it has ended or is not made of what it was any more, and when somebody
    /// works on it alone.
    pub async fn work_on_partition(
        self,
        id: &str,
        partition: Partition,
        cancel: CancellationToken,
    ) -> Result<PartitionReport, RunError> {
        self.meters.start();
        let ledger = Ledger::open(&self.settings.ledger, &self.base).await?;
        self.work_on_partition_in(ledger, id, partition, &cancel).await
    }

    /// Works on a partition, over a ledger that is open.
    pub(super) async fn work_on_partition_in(
        self,
        ledger: Ledger,
        id: &str,
        partition: Partition,
        cancel: &CancellationToken,
    ) -> Result<PartitionReport, RunError> {
        let found = self.find_named(&ledger, id).await?;
        let _lock = locked(&ledger, &found.id, Share::Shared).await?;
        let run = self.find(&ledger, &found.id).await?;
        self.check_identity(&run)?;
        let folders = self.folders(&ledger, &run.id);
        let ledger = ledger.in_epoch(run.epoch);
        let (context, opened) = RunContext::new(self, ledger, run.id.clone(), folders)?;
        context.check_level(partition.level)?;
        let mut kept = context.known(&run).await?;
        let of_level = context.phases.iter().filter(|phase| phase.level == partition.level);
        if !of_level.clone().all(|phase| kept.planned.contains_key(&phase.end)) {
            return Err(RunError::NoLevel {
                run: run.id,
                level: partition.level,
                levels: context.planned_levels(&kept),
            });
        }
        let mut accepted = context.accepted().await?;
        let staged = Arc::new(context.staged_below(partition.level, &kept, &accepted)?);
        let tasks = context.splits_of_level(partition.level, &staged, &mut kept).await?;
        let own = tasks.into_iter().enumerate();
        let own = own.filter(|(position, _)| position % partition.of == partition.index);
        let mut lines = Vec::new();
        let mut missing = VecDeque::new();
        let mut places = Vec::new();
        for (_, task) in own {
            let phase = context.phases[task.phase].end.clone();
            match accepted.remove(&(phase, task.id.clone())) {
                Some(manifest) => lines.push((
                    (task.phase, task.index),
                    context.line(partition.level, task.phase, manifest, true),
                )),
                None => {
                    places.push((task.phase, task.index));
                    missing.push_back(task);
                }
            }
        }
        let mut done = BTreeMap::new();
        let work = context.work_off(missing, &staged, cancel, &mut done);
        let worked = context.while_telling(opened, cancel, work).await;
        // Whoever is told that a partition is done need not ask again after the loss of power.
        context.ledger.settle().await?;
        for (place, manifest) in done {
            lines.push((place, context.line(partition.level, place.0, manifest, false)));
        }
        lines.sort_by_key(|(place, _)| *place);
        let manifests = lines.into_iter().map(|(_, line)| line).collect();
        Ok(PartitionReport { manifests, failure: worked.err() })
    }

    /// Publishes a run of which all splits of sources are accepted; what is left of higher levels is done first. Once is as good as
    /// twice.
    ///
    /// # Errors
    ///
    /// When splits are missing, when partitions are still being worked on, and as for [`CheckedPipeline::resume`].
    pub async fn commit(self, id: &str, cancel: CancellationToken) -> Result<RunSummary, RunError> {
        self.meters.start();
        let ledger = Ledger::open(&self.settings.ledger, &self.base).await?;
        self.commit_in(ledger, id, &cancel).await
    }

    /// Publishes a run that was planned, over a ledger that is open.
    pub(super) async fn commit_in(
        self,
        ledger: Ledger,
        id: &str,
        cancel: &CancellationToken,
    ) -> Result<RunSummary, RunError> {
        let run = self.find_named(&ledger, id).await?;
        if !run.status.is_final() && run.status != RunStatus::Committing {
            let phases = ledger.phases(&run.id).await?;
            let of_sources: Vec<&str> = phases
                .iter()
                .filter(|phase| phase.level == 0)
                .map(|phase| phase.phase.as_str())
                .collect();
            if of_sources.is_empty() {
                return Err(RunError::NoLevel { run: run.id, level: 0, levels: 0 });
            }
            let splits = ledger.splits(&run.id).await?;
            let splits: Vec<_> =
                splits.iter().filter(|split| of_sources.contains(&split.phase.as_str())).collect();
            let missing = splits.iter().filter(|split| !split.accepted).count();
            if missing > 0 {
                return Err(RunError::Incomplete { run: run.id, missing, of: splits.len() });
            }
        }
        self.resume_in(ledger, &run.id, Changes::Refuse, cancel).await
    }

    /// Gives a run up: nothing of it will be published, and what was staged is removed. One that has begun to publish is given up only
    /// by `force`: what it has published stays. Once is as good as twice.
    ///
    /// # Errors
    ///
    /// When there is no such run, when somebody works on it, when it has succeeded, or has begun to publish.
    pub async fn abort(self, id: &str, force: bool) -> Result<Run, RunError> {
        let ledger = Ledger::open(&self.settings.ledger, &self.base).await?;
        self.abort_in(ledger, id, force).await
    }

    /// Gives a run up, over a ledger that is open.
    pub(super) async fn abort_in(
        self,
        ledger: Ledger,
        id: &str,
        force: bool,
    ) -> Result<Run, RunError> {
        let found = self.find_named(&ledger, id).await?;
        let _lock = locked(&ledger, &found.id, Share::Exclusive).await?;
        let run = self.find(&ledger, &found.id).await?;
        match run.status {
            RunStatus::Succeeded => {
                return Err(RunError::Closed { run: run.id, status: run.status, reason: None });
            }
            RunStatus::Committing if !force => {
                return Err(RunError::Publishing { run: run.id });
            }
            _ => {}
        }
        let folders = self.folders(&ledger, &run.id);
        let (context, _opened) = RunContext::new(self, ledger, run.id.clone(), folders)?;
        if run.status != RunStatus::Aborted {
            context.give_up(&run).await?;
        }
        context.sweep_given_up(context.accepted().await?).await;
        context.find_run().await
    }

    /// Refuses a run that is not divided among processes, has ended, or is not made of what it was any more.
    fn check_identity(&self, run: &Run) -> Result<(), RunError> {
        if run.replays.is_some() {
            return Err(RunError::Replay { run: run.id.clone() });
        }
        match run.status {
            RunStatus::Running => {}
            status => {
                return Err(RunError::Closed {
                    run: run.id.clone(),
                    status,
                    reason: run.error.clone(),
                });
            }
        }
        let differences = self.identity.differences(&run.fingerprint);
        if differences.is_empty() {
            return Ok(());
        }
        Err(RunError::Changed { run: run.id.clone(), differences, only_inputs: false })
    }
}

impl RunContext {
    /// What is planned of a run that several processes work on.
    async fn known(&self, run: &Run) -> Result<Kept, RunError> {
        Ok(Kept {
            planned: self.planned().await?,
            wanted_splits: wanted_splits(&run.fingerprint),
            ..Kept::default()
        })
    }

    fn check_level(&self, level: usize) -> Result<(), RunError> {
        let levels = self.levels();
        if level < levels {
            return Ok(());
        }
        Err(RunError::NoLevel { run: self.run.clone(), level, levels })
    }

    fn planned_levels(&self, kept: &Kept) -> usize {
        let planned = self.phases.iter().filter(|phase| kept.planned.contains_key(&phase.end));
        planned.map(|phase| phase.level + 1).max().unwrap_or(0)
    }

    /// What the levels below have staged, all of whose splits must be accepted.
    fn staged_below(
        &self,
        level: usize,
        kept: &Kept,
        accepted: &Accepted,
    ) -> Result<StagedFiles, RunError> {
        let mut files = StagedFiles::new();
        for phase in self.phases.iter().filter(|phase| phase.level < level) {
            let too_early = || RunError::TooEarly { run: self.run.clone(), level };
            for split in kept.planned.get(&phase.end).ok_or_else(too_early)? {
                let key = (phase.end.clone(), split.split.clone());
                add_staged(&mut files, phase, accepted.get(&key).ok_or_else(too_early)?);
            }
        }
        Ok(files)
    }

    fn line(&self, level: usize, phase: usize, manifest: Manifest, kept: bool) -> ManifestLine {
        let rows = |parts: &mut dyn Iterator<Item = u64>| parts.sum::<u64>();
        let staged = manifest.staged.iter().map(|part| part.rows);
        let all = manifest.parts.values().map(|part| part.rows);
        let received = manifest.receipts.values().map(|receipt| receipt.rows);
        ManifestLine {
            run: self.run.clone(),
            level,
            phase: self.phases[phase].end.clone(),
            split: manifest.split.clone(),
            attempt: manifest.attempt.clone(),
            kept,
            rows: rows(&mut staged.chain(all).chain(received)),
            quarantined: manifest.quarantine.iter().map(|file| file.rows).sum(),
            parts: manifest
                .parts
                .into_iter()
                .map(|(sink, part)| PartLine {
                    sink,
                    rows: part.rows,
                    bytes: part.bytes,
                    checksum: part.checksum,
                })
                .collect(),
        }
    }

    /// Ends a run for good, without anything having been published from now on.
    async fn give_up(&self, run: &Run) -> Result<(), RunError> {
        let claim = self.ledger.claim_run(&run.id, &this_process()).await?;
        let reason = if claim.status == RunStatus::Committing {
            "given up by `wasmill abort --force` while it was being published"
        } else {
            "given up by `wasmill abort`"
        };
        let end = EndOfRun {
            status: RunStatus::Aborted,
            error: Some(reason),
            summary: &run.summary.clone().unwrap_or_default(),
            cursors: &[],
            notifications: &[],
        };
        match self.ledger.end_run(&claim, &end).await? {
            Ended::Ended { .. } | Ended::Closed(RunStatus::Aborted) => Ok(()),
            Ended::TakenOver => Err(busy(&self.ledger, &run.id).await),
            Ended::Closed(status) => {
                Err(RunError::Closed { run: run.id.clone(), status, reason: None })
            }
        }
    }

    async fn find_run(&self) -> Result<Run, RunError> {
        self.pipeline.find(&self.ledger, &self.run).await
    }
}
