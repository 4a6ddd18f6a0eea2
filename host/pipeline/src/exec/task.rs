//! A task: one attempt at one split, and what it has to report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedSemaphorePermit;
use wasmill_connect::sink::{PartName, StagedPart};
use wasmill_sandbox::Usage;
use wasmill_sandbox::accounting::FaultCounts;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::loader::Receipt;

use crate::cassette::folder::CassetteFolder;
use crate::error::StepError;
use crate::events::{Event, Observer};
use crate::exec::quarantine::{QuarantineFile, QuarantineWriter};
use crate::explain::Explanation;
use crate::file::secrets::Redaction;
use crate::file::sections::BadRowPolicy;
use crate::metrics::Meters;
use crate::policy::breaker::{Admission, Breaker, Permit};

/// What one step did with the rows of one task. `rows_in + added` is `rows_out + quarantined + dropped`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCounts {
    pub rows_in: u64,
    pub rows_out: u64,
    pub quarantined: u64,
    /// Rows that the step left out.
    pub dropped: u64,
    /// Rows that the step made beyond one per row that went in.
    pub added: u64,
    /// Time at work on rows, calls into the plugin and what the host does around them; zero where no transformer or
    /// validator is at work.
    #[serde(default)]
    pub busy: Duration,
    /// Calls that failed, or were made because others had, to find the rows at fault.
    #[serde(default)]
    pub search_calls: u64,
    #[serde(flatten)]
    pub usage: Usage,
}

impl StepCounts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.rows_in += other.rows_in;
        self.rows_out += other.rows_out;
        self.quarantined += other.quarantined;
        self.dropped += other.dropped;
        self.added += other.added;
        self.busy += other.busy;
        self.search_calls += other.search_calls;
        self.usage.add(&other.usage);
    }

    /// Whether every row is accounted for.
    pub fn balances(&self) -> bool {
        self.rows_in + self.added == self.rows_out + self.quarantined + self.dropped
    }
}

/// How often a rule only warned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepRule {
    pub step: String,
    pub rule: String,
    pub column: Option<String>,
}

/// What an attempt staged and counted: the one row that a task returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub split: String,
    pub attempt: String,
    /// The rows for later phases.
    pub staged: Option<StagedPart>,
    /// Rows for sinks, by sink.
    pub parts: BTreeMap<String, StagedPart>,
    /// Rows for loader plugins, by sink.
    pub receipts: BTreeMap<String, Receipt>,
    pub steps: BTreeMap<String, StepCounts>,
    /// Partial states of validators, by step: files in the scratch folder.
    pub partials: BTreeMap<String, PathBuf>,
    pub quarantine: Vec<QuarantineFile>,
    pub warned: Vec<(StepRule, u64)>,
    /// Where the next run goes on reading, with the source and the source's split.
    pub cursor: Option<TaskCursor>,
}

/// Where the next run goes on reading a split of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCursor {
    pub source: String,
    pub split: String,
    pub position: String,
}

/// Where the tasks of a run keep what they stage.
#[derive(Clone)]
pub(crate) struct Folders {
    /// Swept when the run has ended.
    pub(crate) scratch: PathBuf,
    /// Stays.
    pub(crate) quarantine: PathBuf,
    /// Stays too; none where failed batches are not kept.
    pub(crate) cassettes: Option<Arc<CassetteFolder>>,
}

/// What the tasks of a run share.
pub(crate) struct Surroundings {
    pub(crate) run: String,
    pub(crate) folders: Folders,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) seed: u64,
    /// Of the steps that have one.
    pub(crate) breakers: BTreeMap<String, Breaker>,
    pub(crate) meters: Arc<Meters>,
    /// What is taken out of whatever plugins say.
    pub(crate) secrets: Redaction,
    /// Steps whose rows were held back before this run: what they would hold back is left out.
    pub(crate) lookups: BTreeSet<String>,
}

impl Surroundings {
    /// What becomes of rows of a step that the policy keeps in the quarantine otherwise.
    pub(crate) fn policy(&self, step: &str, policy: BadRowPolicy) -> BadRowPolicy {
        match policy {
            BadRowPolicy::Quarantine if self.lookups.contains(step) => BadRowPolicy::Drop,
            policy => policy,
        }
    }
}

/// One attempt at one split.
pub(crate) struct Task {
    pub(crate) around: Arc<Surroundings>,
    pub(crate) phase: String,
    pub(crate) split: String,
    pub(crate) attempt: String,
    report: Mutex<Report>,
    /// Held while rows are worked on.
    slot: Mutex<Option<OwnedSemaphorePermit>>,
}

#[derive(Default)]
struct Report {
    steps: BTreeMap<String, StepCounts>,
    partials: BTreeMap<String, PathBuf>,
    quarantine: BTreeMap<String, QuarantineWriter>,
    warned: BTreeMap<StepRule, u64>,
    cursor: Option<TaskCursor>,
}

impl Task {
    pub(crate) fn new(around: Arc<Surroundings>, phase: &str, split: &str) -> Arc<Self> {
        let attempt = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
        Arc::new(Self {
            around,
            phase: phase.to_owned(),
            split: split.to_owned(),
            attempt,
            report: Mutex::default(),
            slot: Mutex::default(),
        })
    }

    /// Takes the room that the task has among those that are worked on at once.
    pub(crate) fn hold(&self, slot: OwnedSemaphorePermit) {
        *self.slot.lock().expect("nobody panics with it") = Some(slot);
    }

    /// Lets another task work on its rows: all rows of this one have been. What is left of it is to wait for the disk and for the ledger.
    pub(crate) fn leave(&self) {
        drop(self.slot.lock().expect("nobody panics with it").take());
    }

    /// Waits until a batch may go through the plugin of a step.
    pub(crate) async fn admit(&self, step: &str) -> datafusion::error::Result<Admission<'_>> {
        let Some(breaker) = self.around.breakers.get(step) else {
            return Ok(Admission::Call(Permit::free()));
        };
        breaker.admit().await.map_err(|source| {
            let (step, split) = (step.to_owned(), self.split.clone());
            StepError::BreakerOpen { step, split, source }.into()
        })
    }

    /// A task with the same split and the same seeds, of which nothing counts: nobody watches it or asks for its manifest, and
    /// it opens no breaker.
    pub(crate) fn beside(&self) -> Arc<Self> {
        let around = Surroundings {
            run: self.around.run.clone(),
            folders: self.around.folders.clone(),
            observer: Arc::new(()),
            seed: self.around.seed,
            breakers: BTreeMap::new(),
            // Without steps: nothing is counted.
            meters: Arc::new(Meters::new("", "")),
            secrets: self.around.secrets.clone(),
            lookups: self.around.lookups.clone(),
        };
        Self::new(Arc::new(around), &self.phase, &self.split)
    }

    /// What a step has done so far.
    pub(crate) fn counts(&self, step: &str) -> StepCounts {
        self.lock().steps.get(step).copied().unwrap_or_default()
    }

    /// What the files of this attempt are called.
    pub(crate) fn part_name(&self) -> PartName {
        PartName {
            run: self.around.run.clone(),
            stem: format!("{}-{}", self.phase, self.split),
            attempt: self.attempt.clone(),
        }
    }

    /// The seed of a step's virtual randomness: depends on the pipeline's seed, the step and the split, so
    /// every attempt at the split, on whichever machine, sees the same.
    pub(crate) fn seed(&self, step: &str) -> u64 {
        let mut hash = Sha256::new();
        hash.update(self.around.seed.to_le_bytes());
        for part in [step, &self.phase, &self.split] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        u64::from_le_bytes(*digest.first_chunk().expect("32 bytes hold 8"))
    }

    /// Reports a fault that a single row causes.
    pub(crate) fn row_fault(&self, step: &str, fault: &Fault, explanation: &Explanation) {
        let secrets = &self.around.secrets;
        self.around.observer.event(Event::Fault {
            step: step.to_owned(),
            split: self.split.clone(),
            kind: fault.kind().name().to_owned(),
            message: secrets.apply(&fault.explained()),
            explanation: secrets.apply(&explanation.to_string()),
        });
    }

    /// Counts a call that failed before there was an instance that counts for itself.
    pub(crate) fn not_opened(&self, step: &str, fault: &Fault) {
        let usage = Usage { faults: FaultCounts::one(fault.kind()), ..Usage::default() };
        self.count(step, &StepCounts { usage, ..StepCounts::default() });
    }

    /// Adds to what a step has done.
    pub(crate) fn count(&self, step: &str, counts: &StepCounts) {
        self.around.observer.counted(step, counts);
        self.lock().steps.entry(step.to_owned()).or_default().add(counts);
    }

    pub(crate) fn warned(&self, rule: StepRule, rows: u64) {
        *self.lock().warned.entry(rule).or_default() += rows;
    }

    pub(crate) fn set_partial(&self, step: &str, file: PathBuf) {
        self.lock().partials.insert(step.to_owned(), file);
    }

    pub(crate) fn set_cursor(&self, cursor: TaskCursor) {
        self.lock().cursor = Some(cursor);
    }

    /// The writer of a step's quarantined rows, made by `create` when it is first needed.
    pub(crate) fn with_quarantine<R, E>(
        &self,
        step: &str,
        create: impl FnOnce() -> Result<QuarantineWriter, E>,
        write: impl FnOnce(&mut QuarantineWriter) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut report = self.lock();
        if !report.quarantine.contains_key(step) {
            report.quarantine.insert(step.to_owned(), create()?);
        }
        write(report.quarantine.get_mut(step).expect("just inserted"))
    }

    /// Ends the attempt. The caller adds what was staged.
    pub(crate) fn finish(&self) -> Result<Manifest, wasmill_connect::error::ConnectError> {
        let report = std::mem::take(&mut *self.lock());
        self.tell(&report);
        let quarantine = report
            .quarantine
            .into_values()
            .map(QuarantineWriter::finish)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Manifest {
            split: self.split.clone(),
            attempt: self.attempt.clone(),
            staged: None,
            parts: BTreeMap::new(),
            receipts: BTreeMap::new(),
            steps: report.steps,
            partials: report.partials,
            quarantine,
            warned: report.warned.into_iter().collect(),
            cursor: report.cursor,
        })
    }

    /// What the attempt did goes into the metrics, whatever becomes of it.
    fn tell(&self, report: &Report) {
        for (step, counts) in &report.steps {
            if let Some(meter) = self.around.meters.step(step) {
                meter.attempted(counts);
            }
        }
        for (step, writer) in &report.quarantine {
            if let Some(meter) = self.around.meters.step(step) {
                writer.rules().for_each(|(rule, rows)| meter.quarantined(rule, rows));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Task {
    /// An attempt that came to nothing leaves no rows in the quarantine.
    fn drop(&mut self) {
        let report = std::mem::take(&mut *self.lock());
        self.tell(&report);
        for writer in report.quarantine.into_values() {
            writer.discard();
        }
    }
}

/// The tasks of a plan, by partition.
pub(crate) type Tasks = Arc<[Arc<Task>]>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Manifests stay in the ledger for ever; what is counted since they were written is zero in them.
    #[test]
    fn counts_of_earlier_versions_can_be_read() {
        let earlier = r#"{"rows_in":3,"rows_out":2,"quarantined":1,"dropped":0,"added":0,"calls":4,"fuel":5,
            "time":{"secs":1,"nanos":0},"peak_memory":6,"dropped_log_lines":0}"#;
        let counts: StepCounts = serde_json::from_str(earlier).unwrap();
        assert_eq!((counts.rows_in, counts.usage.calls, counts.usage.peak_memory), (3, 4, 6));
        assert_eq!((counts.busy, counts.usage.bytes_in), (Duration::ZERO, 0));
        assert_eq!(counts.usage.cpu_time, Duration::ZERO);
        assert_eq!(counts.usage.faults, FaultCounts::default());
    }
}
