//! What happens during a check and a run, for whoever watches.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use serde::Serialize;
use wasmill_sandbox::capability::log::{Level, LogLine, LogSink};

use crate::exec::task::StepCounts;
use crate::file::secrets::Redaction;
use crate::policy::breaker::BreakerState;
use crate::run::resume::Resumed;
use crate::run::summary::RunSummary;

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event")]
pub enum Event {
    /// A run was entered into the ledger.
    #[serde(rename = "run.started")]
    RunStarted { run: String, pipeline: String },
    /// A run is gone on with.
    #[serde(rename = "run.resumed")]
    RunResumed { run: String, pipeline: String, resumed: Resumed },
    /// An earlier run, which was stopped while it published, was finished.
    #[serde(rename = "run.finished.earlier")]
    EarlierFinished { run: String },
    /// The run was interrupted; splits that are being worked on are finished.
    #[serde(rename = "run.draining")]
    Draining { splits: usize },
    /// The splits of a phase are known.
    #[serde(rename = "phase.started")]
    PhaseStarted { phase: String, splits: usize },
    /// A split's manifest was accepted before the run was resumed.
    #[serde(rename = "split.kept")]
    SplitKept { phase: String, split: String },
    /// A split's manifest was accepted.
    #[serde(rename = "split.accepted")]
    SplitAccepted { phase: String, split: String, attempt: String },
    /// An attempt failed and is repeated.
    #[serde(rename = "split.retried")]
    SplitRetried { phase: String, split: String, attempt: u32, error: String, wait_ms: u64 },
    /// An attempt failed and is not repeated.
    #[serde(rename = "split.failed")]
    SplitFailed { phase: String, split: String, attempt: u32, error: String },
    /// A row made a plugin fault. The explanation has several lines.
    #[serde(rename = "fault")]
    Fault { step: String, split: String, kind: String, message: String, explanation: String },
    /// A call that failed was kept: `wasmill replay FILE` makes it once more.
    #[serde(rename = "cassette")]
    Cassette { step: String, split: String, kind: String, file: PathBuf },
    /// A call that failed was not kept; `missed` counts those of the step in the run.
    #[serde(rename = "cassette.missed")]
    CassetteMissed { step: String, split: String, missed: u64, reason: String },
    /// The breaker of a step has changed.
    #[serde(rename = "breaker")]
    Breaker { step: String, state: BreakerState, message: String },
    /// A plugin wrote a log line.
    #[serde(rename = "log")]
    Log { step: String, level: Level, context: String, message: String },
    /// The table-level verdict of a validator.
    #[serde(rename = "gate")]
    Gate { step: String, passed: bool, message: String },
    /// A sink was published.
    #[serde(rename = "sink.committed")]
    Committed { sink: String, target: String, rows: u64 },
    /// An event was delivered to a notifier, or was not.
    #[serde(rename = "notified")]
    Notified { notifier: String, kind: String, error: Option<String> },
    /// The run ended.
    #[serde(rename = "run.finished")]
    RunFinished(Box<RunSummary>),
}

/// Watches. Called from many threads; must be quick and must not block.
pub trait Observer: Send + Sync {
    fn event(&self, event: Event);

    /// A step of some attempt dealt with rows: once for each batch. Attempts that come to nothing are
    /// counted too, so this is for progress displays only.
    fn counted(&self, step: &str, counts: &StepCounts) {
        let _ = (step, counts);
    }

    /// A plugin that treats batches independently is about to see these rows, with all columns of the step's input: once
    /// for each batch. They are the data itself: what is kept of them is kept in memory.
    fn seen(&self, step: &str, rows: &RecordBatch) {
        let _ = (step, rows);
    }
}

/// Watches nothing.
impl Observer for () {
    fn event(&self, _event: Event) {}
}

/// The log lines of one step's plugin as events.
pub(crate) struct StepLog {
    pub(crate) step: String,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) secrets: Redaction,
}

impl LogSink for StepLog {
    fn line(&self, line: LogLine) {
        self.observer.event(Event::Log {
            step: self.step.clone(),
            level: line.level,
            context: line.context,
            message: self.secrets.apply(&line.message),
        });
    }
}
