//! What a run did: totals over all accepted manifests, and the summary that people and programs read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmill_connect::sink::{CommitReport, StagedPart};
use wasmill_ledger::{CursorEntry, RunStatus};
use wasmill_sandbox::Usage;
use wasmill_sandbox::accounting::FaultCounts;
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::loader::Receipt;

use crate::checked::{CheckedPipeline, SinkTarget, SourceReader, Work};
use crate::error::chain;
use crate::exec::task::{Manifest, StepCounts, StepRule};
use crate::file::secrets::Redaction;
use crate::policy::breaker::BreakerReport;
use crate::run::failure::RunFailure;
use crate::run::gate::GateReport;
use crate::run::resume::Resumed;

/// How a run went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub run: String,
    pub pipeline: String,
    /// Whose pipeline it is.
    pub tenant: String,
    pub status: RunStatus,
    /// The run whose quarantined rows it puts through; none of a run that reads its sources.
    #[serde(default)]
    pub replays: Option<String>,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub started_ms: i64,
    /// Of the process that ended it.
    pub elapsed_ms: u64,
    /// What was there of it before; none of a run that was not resumed.
    #[serde(default)]
    pub resumed: Option<Resumed>,
    /// Why it did not succeed.
    pub problem: Option<RunProblem>,
    /// Sources, transforms and validators, each after those that it reads, then sinks.
    pub steps: Vec<StepSummary>,
    pub quarantined: Vec<RuleCount>,
    pub warned: Vec<RuleCount>,
    pub gates: Vec<GateReport>,
    pub sinks: Vec<SinkReport>,
    /// Of the steps that have one.
    pub breakers: Vec<BreakerReport>,
}

/// Why a run did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunProblem {
    pub message: String,
    pub hint: Option<String>,
    pub exit_code: u8,
}

impl RunProblem {
    pub(crate) fn new(failure: &RunFailure, run: &str, secrets: &Redaction) -> Self {
        let message = secrets.apply(&chain(failure));
        Self { message, hint: failure.hint(run), exit_code: failure.exit_code() }
    }
}

/// What one step did. `rows_in + added` is `rows_out + quarantined + dropped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    pub step: String,
    /// `source`, `transform`, `sql`, `validator` or `sink`.
    pub kind: String,
    /// The SHA-256 of the plugin; none where none is at work.
    #[serde(default)]
    pub plugin: Option<String>,
    /// Rows that it read; of a source: records.
    pub rows_in: u64,
    pub rows_out: u64,
    pub quarantined: u64,
    /// Rows that it left out.
    pub dropped: u64,
    /// Rows that it made beyond one per row that went in.
    pub added: u64,
    /// Calls into the plugin; 0 where none is at work, like all that follows.
    pub calls: u64,
    /// Units of about one WebAssembly instruction.
    pub fuel: u64,
    /// Bytes of one instance, at the highest.
    pub peak_memory: u64,
    /// Time within the plugin, summed over all cores.
    pub time_ms: u64,
    /// Calls that failed, or were made because others had, to find the rows at fault.
    pub search_calls: u64,
    /// The part of it during which a thread was held: see [`Usage::cpu_time`].
    #[serde(default)]
    pub cpu_ms: u64,
    /// Bytes of rows that were passed to the plugin.
    #[serde(default)]
    pub bytes_in: u64,
    /// Bytes of rows, selections and findings that it returned.
    #[serde(default)]
    pub bytes_out: u64,
    /// Calls that failed, by the kind of fault; those of the search for rows included.
    #[serde(default)]
    pub faults: FaultCounts,
    pub dropped_log_lines: u64,
}

/// How many rows violated a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    pub step: String,
    pub rule: String,
    pub column: Option<String>,
    pub rows: u64,
}

/// A sink that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkReport {
    pub sink: String,
    #[serde(flatten)]
    pub report: CommitReport,
}

impl RunSummary {
    /// One line for a person.
    pub fn headline(&self) -> String {
        match &self.problem {
            None => {
                let rows: u64 = self.sinks.iter().map(|sink| sink.report.rows).sum();
                let quarantined: u64 = self.steps.iter().map(|step| step.quarantined).sum();
                let again = match &self.replays {
                    Some(run) => format!(", of those that run {run} had held back"),
                    None => String::new(),
                };
                format!(
                    "{}: {rows} rows published to {} sinks, {quarantined} quarantined{again}",
                    self.pipeline,
                    self.sinks.len()
                )
            }
            Some(problem) => format!("{}: {}", self.pipeline, problem.message),
        }
    }

    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        self.problem.as_ref().map_or(0, |problem| problem.exit_code)
    }
}

/// Sums over accepted manifests.
#[derive(Default)]
pub(crate) struct Totals {
    steps: BTreeMap<String, StepCounts>,
    quarantined: BTreeMap<StepRule, u64>,
    warned: BTreeMap<StepRule, u64>,
    partials: BTreeMap<String, Vec<PathBuf>>,
    parts: BTreeMap<String, Vec<StagedPart>>,
    receipts: BTreeMap<String, Vec<Receipt>>,
    cursors: Vec<CursorEntry>,
}

impl Totals {
    /// Adds a manifest; they come in the order of phases and splits.
    pub(crate) fn add(&mut self, manifest: Manifest) {
        for (step, counts) in &manifest.steps {
            self.steps.entry(step.clone()).or_default().add(counts);
        }
        for file in manifest.quarantine {
            for (rule, column, rows) in file.rules {
                let rule = StepRule { step: file.step.clone(), rule, column };
                *self.quarantined.entry(rule).or_default() += rows;
            }
        }
        for (rule, rows) in manifest.warned {
            *self.warned.entry(rule).or_default() += rows;
        }
        for (step, file) in manifest.partials {
            self.partials.entry(step).or_default().push(file);
        }
        for (sink, part) in manifest.parts {
            self.parts.entry(sink).or_default().push(part);
        }
        for (sink, receipt) in manifest.receipts {
            self.receipts.entry(sink).or_default().push(receipt);
        }
        self.cursors.extend(manifest.cursor.map(|cursor| CursorEntry {
            source: cursor.source,
            split: cursor.split,
            position: cursor.position,
        }));
    }

    /// Adds what an instance used up that worked for the table as a whole.
    pub(crate) fn used(&mut self, step: &str, usage: &Usage) {
        self.steps.entry(step.to_owned()).or_default().usage.add(usage);
    }

    pub(crate) fn partials(&self, step: &str) -> &[PathBuf] {
        self.partials.get(step).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn parts(&self, sink: &str) -> &[StagedPart] {
        self.parts.get(sink).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn receipts(&self, sink: &str) -> &[Receipt] {
        self.receipts.get(sink).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn cursors(&self) -> &[CursorEntry] {
        &self.cursors
    }

    /// What a step did, as it was counted.
    pub(crate) fn counts(&self, step: &str) -> StepCounts {
        self.steps.get(step).copied().unwrap_or_default()
    }

    pub(crate) fn quarantined(&self) -> Vec<RuleCount> {
        rule_counts(&self.quarantined)
    }

    pub(crate) fn warned(&self) -> Vec<RuleCount> {
        rule_counts(&self.warned)
    }

    /// How many rows were quarantined anywhere, and how many records the sources read.
    pub(crate) fn quarantined_of_read(&self, pipeline: &CheckedPipeline) -> (u64, u64) {
        let quarantined = self.steps.values().map(|counts| counts.quarantined).sum();
        let sources = pipeline.steps.values().filter(|step| matches!(step.work, Work::Source(_)));
        let read = sources.map(|step| self.counts(&step.name).rows_in).sum();
        (quarantined, read)
    }

    /// All steps with what they did. What goes into a query is what the input gave over which it is streamed, or
    /// all inputs where it is not; tables to look things up in do not count.
    pub(crate) fn steps(&self, pipeline: &CheckedPipeline) -> Vec<StepSummary> {
        let steps = pipeline.steps.values().map(|step| {
            let mut counts = self.counts(&step.name);
            let mut plugin = None;
            let kind = match &step.work {
                Work::Source(work) => {
                    if let SourceReader::Plugin { digest, .. } = &work.reader {
                        plugin = Some(*digest);
                    }
                    "source"
                }
                Work::Transform(work) => {
                    plugin = Some(work.digest);
                    "transform"
                }
                Work::Validate(work) => {
                    plugin = Some(work.digest);
                    "validator"
                }
                Work::Sql(work) => {
                    counts.rows_in = match &work.streamed {
                        Some(input) => self.counts(input).rows_out,
                        None => self.rows_out_of(&step.inputs),
                    };
                    counts.dropped = counts.rows_in.saturating_sub(counts.rows_out);
                    counts.added = counts.rows_out.saturating_sub(counts.rows_in);
                    "sql"
                }
            };
            step_summary(&step.name, kind, plugin, &counts)
        });
        let sinks = pipeline.sinks.iter().map(|(name, sink)| {
            let plugin = match &sink.target {
                SinkTarget::Plugin { digest, .. } => Some(*digest),
                SinkTarget::Connector(_) => None,
            };
            step_summary(name, "sink", plugin, &self.counts(name))
        });
        steps.chain(sinks).collect()
    }

    fn rows_out_of(&self, steps: &[String]) -> u64 {
        steps.iter().map(|step| self.counts(step).rows_out).sum()
    }

    /// Makes sure that no row was lost or made up: within each step, and from step to step.
    pub(crate) fn check(&self, pipeline: &CheckedPipeline) -> Result<(), RunFailure> {
        let counted = pipeline.steps.values().filter(|step| !matches!(step.work, Work::Sql(_)));
        let counted = counted.map(|step| (&step.name, &step.inputs));
        let sinks = pipeline.sinks.values().map(|sink| (&sink.name, &sink.inputs));
        for (name, inputs) in counted.chain(sinks) {
            let counts = self.counts(name);
            if !counts.balances() {
                return Err(RunFailure::Unbalanced(format!(
                    "`{name}`: {} rows in and {} added, but {} out, {} quarantined and {} dropped",
                    counts.rows_in,
                    counts.added,
                    counts.rows_out,
                    counts.quarantined,
                    counts.dropped
                )));
            }
            let given = self.rows_out_of(inputs);
            if !inputs.is_empty() && counts.rows_in != given {
                return Err(RunFailure::Unbalanced(format!(
                    "`{name}` got {} rows where the steps before it gave {given}",
                    counts.rows_in
                )));
            }
        }
        Ok(())
    }
}

fn step_summary(
    step: &str,
    kind: &str,
    plugin: Option<Digest>,
    counts: &StepCounts,
) -> StepSummary {
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    StepSummary {
        step: step.to_owned(),
        kind: kind.to_owned(),
        plugin: plugin.map(|digest| digest.to_string()),
        rows_in: counts.rows_in,
        rows_out: counts.rows_out,
        quarantined: counts.quarantined,
        dropped: counts.dropped,
        added: counts.added,
        calls: counts.usage.calls,
        fuel: counts.usage.fuel,
        peak_memory: counts.usage.peak_memory,
        time_ms: millis(counts.usage.time),
        search_calls: counts.search_calls,
        cpu_ms: millis(counts.usage.cpu_time),
        bytes_in: counts.usage.bytes_in,
        bytes_out: counts.usage.bytes_out,
        faults: counts.usage.faults,
        dropped_log_lines: counts.usage.dropped_log_lines,
    }
}

fn rule_counts(counts: &BTreeMap<StepRule, u64>) -> Vec<RuleCount> {
    let count = |(rule, rows): (&StepRule, &u64)| RuleCount {
        step: rule.step.clone(),
        rule: rule.rule.clone(),
        column: rule.column.clone(),
        rows: *rows,
    };
    counts.iter().map(count).collect()
}
