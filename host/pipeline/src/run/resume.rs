//! Going on with a run that was stopped: what of it is still good, and what has to be done again.
//!
//! A phase is good as long as its digest is ([`crate::identity`]), its sources are what they were, and the phases that it reads
//! are good. A split of a good phase is good when its manifest was accepted and all files that it names are there, whole.
//! Everything else is dropped from the ledger, in the order in which later phases depend on earlier ones, and its files are swept.
//!
//! Nothing is dropped, nor claimed, before it is known that the run can be gone on with.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use wasmill_ledger::{Claim, Ledger, PhaseEntry, Run, RunStatus, Share, SplitEntry};

use crate::checked::{CheckedPipeline, SinkTarget};
use crate::error::chain;
use crate::events::Event;
use crate::exec::task::Manifest;
use crate::identity::wanted_splits;
use crate::plan::{Phase, phases};
use crate::run::open::{RunError, busy, locked, this_process};
use crate::run::summary::RunSummary;
use crate::run::{Accepted, Driver, RunContext};

/// What is done about a run that is not made of what it was any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changes {
    /// It is refused, with the differences.
    Refuse,
    /// What depends on them is done again.
    Accept,
}

/// What a run found of itself when it was resumed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// Splits whose accepted manifests are kept.
    pub kept: usize,
    /// Splits that were planned, the kept ones included. Phases that were not reached are not planned yet.
    pub planned: usize,
    /// Why others are done again that had been accepted, a line each.
    pub dropped: Vec<String>,
}

/// What is there of a run before it is worked on.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) manifests: Accepted,
    /// The splits of phases that are planned.
    pub(crate) planned: BTreeMap<String, Vec<SplitEntry>>,
    /// How many splits each source was to be divided into, if that was asked for.
    pub(crate) wanted_splits: Option<u32>,
    pub(super) resumed: Option<Resumed>,
}

impl Kept {
    pub(crate) fn report(&self) -> Option<Resumed> {
        self.resumed.clone()
    }
}

/// What became of asking for a run.
pub(super) enum Taken {
    Driver(Box<Driver>),
    /// It had succeeded before.
    Done(Box<RunSummary>),
}

impl CheckedPipeline {
    /// Goes on with a run that was stopped, or had failed: what is missing is done, the rest is kept. One that was stopped while it
    /// published is finished; of one that succeeded, the summary comes once more.
    ///
    /// # Errors
    ///
    /// When there is no such run, when somebody works on it, when it was given up, and when it is not made of what it was any more.
    pub async fn resume(
        self,
        run: &str,
        changes: Changes,
        cancel: CancellationToken,
    ) -> Result<RunSummary, RunError> {
        self.meters.start();
        let ledger = Ledger::open(&self.settings.ledger, &self.base).await?;
        let found = self.find(&ledger, run).await?;
        self.resume_in(ledger, &found.id, changes, &cancel).await
    }

    /// Goes on with the run of that id, over a ledger that is open.
    pub(super) async fn resume_in(
        self,
        ledger: Ledger,
        id: &str,
        changes: Changes,
        cancel: &CancellationToken,
    ) -> Result<RunSummary, RunError> {
        match self.take(ledger, id, changes).await? {
            Taken::Driver(driver) => Ok(driver.drive(cancel).await?.0),
            Taken::Done(summary) => Ok(*summary),
        }
    }

    /// Makes this process the one that works on a run.
    pub(super) async fn take(
        self,
        ledger: Ledger,
        id: &str,
        changes: Changes,
    ) -> Result<Taken, RunError> {
        let lock = locked(&ledger, id, Share::Exclusive).await?;
        // As it is now that nobody else changes it.
        let run = self.find(&ledger, id).await?;
        let folders = self.folders(&ledger, id);
        if run.status.is_final() {
            return self.ended(ledger, &run).await.map(Taken::Done);
        }
        let pipeline = self.of_run(&ledger, &run).await?;
        let (ends, dirty) = match run.status {
            RunStatus::Committing => {
                let sinks: Vec<&str> = pipeline.sinks.keys().map(String::as_str).collect();
                let differences = pipeline.identity.differences_of_sinks(&run.fingerprint, &sinks);
                if !differences.is_empty() {
                    return Err(RunError::Unfinished { run: run.id, differences });
                }
                (BTreeMap::new(), BTreeMap::new())
            }
            _ => pipeline.compare(&ledger, &run, changes).await?,
        };
        let claim = ledger.claim_run(id, &this_process()).await?;
        let committing = claim.status == RunStatus::Committing;
        let ledger = ledger.in_epoch(claim.epoch);
        let (context, opened) = RunContext::new(pipeline, ledger, id.to_owned(), folders)?;
        let mut dropped = Vec::new();
        let mut before = Accepted::new();
        if !committing {
            before = context.accepted().await?;
            for (phase, reason) in &dirty {
                context.ledger.drop_phase(id, phase, reason).await?;
                dropped.push(format!("{phase}: {reason}"));
            }
            context.drop_damaged(&ends, &mut dropped).await?;
            context.note_changes(&claim, &run).await?;
        }
        let manifests = context.accepted().await?;
        if !committing {
            before.retain(|split, _| !manifests.contains_key(split));
            context.forget(before.into_values()).await;
            context.sweep_unaccepted(&manifests);
        }
        let planned = context.planned().await?;
        let resumed = Resumed {
            kept: manifests.len(),
            planned: planned.values().map(Vec::len).sum(),
            dropped,
        };
        context.pipeline.observer.event(Event::RunResumed {
            run: id.to_owned(),
            pipeline: context.pipeline.name.clone(),
            resumed: resumed.clone(),
        });
        let kept = Kept {
            manifests,
            planned,
            wanted_splits: wanted_splits(&run.fingerprint),
            resumed: Some(resumed),
        };
        Ok(Taken::Driver(Box::new(Driver { context, claim, _lock: lock, opened, kept })))
    }

    /// The summary of a run that has succeeded; what it could not do at its end any more is done.
    async fn ended(self, ledger: Ledger, run: &Run) -> Result<Box<RunSummary>, RunError> {
        if run.status != RunStatus::Succeeded {
            return Err(RunError::Closed {
                run: run.id.clone(),
                status: run.status,
                reason: run.error.clone(),
            });
        }
        let summary = run.summary.clone().unwrap_or_default();
        let summary: RunSummary = serde_json::from_value(summary)
            .map_err(|error| RunError::Host(format!("its summary is unreadable: {error}")))?;
        let folders = self.folders(&ledger, &run.id);
        let (context, _opened) = RunContext::new(self, ledger, run.id.clone(), folders)?;
        context.sweep_published();
        context.sweep_final_runs(&[]).await;
        context.notify(&CancellationToken::new()).await;
        context.pipeline.observer.event(Event::RunFinished(Box::new(summary.clone())));
        Ok(Box::new(summary))
    }

    /// Which planned phases are good, and which are to be done again, with the reason.
    async fn compare(
        &self,
        ledger: &Ledger,
        run: &Run,
        changes: Changes,
    ) -> Result<(BTreeMap<String, Phase>, BTreeMap<String, String>), RunError> {
        let entries = ledger.phases(&run.id).await?;
        let splits = ledger.splits(&run.id).await?;
        let phases = phases(self);
        let digests = self.identity.of_phases(&phases);
        let mut differences = self.identity.differences(&run.fingerprint);
        let only_inputs = differences.is_empty();
        let mut dirty: BTreeMap<String, String> = BTreeMap::new();
        for entry in &entries {
            match phases.iter().zip(&digests).find(|(phase, _)| phase.end == entry.phase) {
                None => drop(dirty.insert(entry.phase.clone(), "it is gone from the file".into())),
                Some((_, digest)) if *digest != entry.digest => {
                    dirty.insert(entry.phase.clone(), "what its rows depend on has changed".into());
                }
                Some((phase, _)) => {
                    let changed = self.changed_inputs(run, phase, entry, &splits).await;
                    if let Some(first) = changed.first() {
                        dirty.insert(entry.phase.clone(), first.clone());
                    }
                    differences.extend(changed);
                }
            }
        }
        if changes == Changes::Refuse && !differences.is_empty() {
            differences.dedup();
            return Err(RunError::Changed { run: run.id.clone(), differences, only_inputs });
        }
        spread(&phases, &mut dirty);
        let planned: BTreeSet<&str> = entries.iter().map(|entry| entry.phase.as_str()).collect();
        dirty.retain(|phase, _| planned.contains(phase.as_str()));
        let good = phases.into_iter().filter(|phase| !dirty.contains_key(&phase.end));
        Ok((good.map(|phase| (phase.end.clone(), phase)).collect(), dirty))
    }

    /// What differs in the sources of a phase.
    async fn changed_inputs(
        &self,
        run: &Run,
        phase: &Phase,
        entry: &PhaseEntry,
        splits: &[SplitEntry],
    ) -> Vec<String> {
        let mut changed = Vec::new();
        for (lane, source) in phase.lanes.iter().enumerate() {
            let Some(source) = source.source() else { continue };
            let planned: Vec<Value> = splits
                .iter()
                .filter(|split| split.phase == entry.phase && split.lane as usize == lane)
                .map(|split| split.descriptor.clone())
                .collect();
            let wanted = wanted_splits(&run.fingerprint);
            changed.extend(self.source_differences(source, wanted, &planned).await);
        }
        changed
    }
}

/// What reads a phase that is done again is done again itself. Phases come after those that they read.
fn spread(phases: &[Phase], dirty: &mut BTreeMap<String, String>) {
    for phase in phases {
        let read = phase.reads.iter().find(|read| dirty.contains_key(*read));
        if let Some(read) = read {
            let reason = format!("it reads `{read}`, which is done again");
            dirty.entry(phase.end.clone()).or_insert(reason);
        }
    }
}

impl RunContext {
    /// Notes what the run is made of from now on, where that was accepted just now: whoever comes next compares with it.
    async fn note_changes(&self, claim: &Claim, run: &Run) -> Result<(), RunError> {
        let identity = &self.pipeline.identity;
        let differences = identity.differences(&run.fingerprint);
        if differences.is_empty() {
            return Ok(());
        }
        let fingerprint = identity.to_json(wanted_splits(&run.fingerprint));
        let digest = &self.pipeline.digest;
        if self.ledger.change_run(claim, digest, &fingerprint, &differences).await? {
            return Ok(());
        }
        Err(busy(&self.ledger, &run.id).await)
    }

    /// Drops the manifests of splits whose files are not there any more as they were written, and the phases that have read them.
    async fn drop_damaged(
        &self,
        phases: &BTreeMap<String, Phase>,
        dropped: &mut Vec<String>,
    ) -> Result<(), RunError> {
        let mut dirty = BTreeMap::new();
        for ((phase, split), manifest) in self.accepted().await? {
            let Some(reason) = manifest.damage() else { continue };
            self.ledger.drop_manifest(&self.run, &phase, &split, &reason).await?;
            dropped.push(format!("{phase} {split}: {reason}"));
            if manifest.staged.is_some() {
                dirty.insert(phase, reason);
            }
        }
        let damaged: BTreeSet<String> = dirty.keys().cloned().collect();
        let order: Vec<Phase> =
            self.phases.iter().filter(|phase| phases.contains_key(&phase.end)).cloned().collect();
        spread(&order, &mut dirty);
        for (phase, reason) in dirty.iter().filter(|(phase, _)| !damaged.contains(*phase)) {
            self.ledger.drop_phase(&self.run, phase, reason).await?;
            dropped.push(format!("{phase}: {reason}"));
        }
        Ok(())
    }

    /// The splits of the phases that are planned.
    pub(super) async fn planned(&self) -> Result<BTreeMap<String, Vec<SplitEntry>>, RunError> {
        let mut planned: BTreeMap<String, Vec<SplitEntry>> = BTreeMap::new();
        // A phase may be planned and have no splits.
        for entry in self.ledger.phases(&self.run).await? {
            planned.entry(entry.phase).or_default();
        }
        for split in self.ledger.splits(&self.run).await? {
            planned.entry(split.phase.clone()).or_default().push(split);
        }
        Ok(planned)
    }

    /// Removes the files of attempts that were not accepted, which nobody needs any more: this process is the only one that works on
    /// the run.
    pub(super) fn sweep_unaccepted(&self, accepted: &Accepted) {
        // By name, which is that of one attempt: the folder may be called otherwise by whoever wrote the files.
        let keep: BTreeSet<&OsStr> =
            accepted.values().flat_map(Manifest::files).filter_map(Path::file_name).collect();
        for folder in [&self.around.folders.scratch, &self.around.folders.quarantine] {
            if let Err(error) = remove_others(folder, &keep) {
                tracing::warn!(run = self.run, %error, "cannot sweep {}", folder.display());
            }
        }
        for (name, sink) in &self.pipeline.sinks {
            let SinkTarget::Connector(target) = &sink.target else { continue };
            let parts: Vec<_> = accepted
                .values()
                .filter_map(|manifest| manifest.parts.get(name))
                .cloned()
                .collect();
            if let Err(error) = target.sweep(&self.run, &parts) {
                let error = chain(&error);
                tracing::warn!(run = self.run, sink = name, error, "cannot sweep");
            }
        }
    }
}

/// Removes the files below a folder, but for those to keep.
fn remove_others(folder: &Path, keep: &BTreeSet<&OsStr>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, keep)?;
        } else if path.file_name().is_none_or(|name| !keep.contains(name)) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

impl Manifest {
    /// All files that it names.
    fn files(&self) -> impl Iterator<Item = &Path> {
        let parts = self.staged.iter().chain(self.parts.values()).map(|part| part.path.as_path());
        let quarantine = self.quarantine.iter().map(|file| file.file.as_path());
        parts.chain(quarantine).chain(self.partials.values().map(PathBuf::as_path))
    }

    /// What is wrong with its files, if anything is.
    fn damage(&self) -> Option<String> {
        let parts = self.staged.iter().chain(self.parts.values());
        let damaged = parts.filter(|part| !part.path.as_os_str().is_empty());
        if let Some(error) = damaged.filter_map(|part| part.verify().err()).next() {
            return Some(chain(&error));
        }
        let missing = self.files().find(|file| !file.as_os_str().is_empty() && !file.exists());
        missing.map(|file| format!("{} is gone", file.display()))
    }
}
