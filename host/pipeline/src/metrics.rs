//! Metrics: what runs did, for whoever collects it. docs/metrics.md lists them all.
//!
//! They go through the [`metrics`] facade: a program that installs a recorder gets them, in one that installs none they
//! cost next to nothing. Where the figures come from:
//!
//! ```text
//!   an instance of a plugin ends ──▶ StepMeter::used       calls, times, fuel, memory, bytes, faults
//!   an attempt ends              ──▶ StepMeter::attempted  rows, rows held back
//!   an attempt or a commit fails ──▶ StepMeter::failed     errors that are no plugin's
//!   a breaker changes            ──▶ StepMeter::breaker    whether it is open
//!   a run ends                   ──▶ Meters::run_ended     runs, time
//! ```
//!
//! So nothing is done for a call or a batch. Whatever was done counts here, also in attempts that came to nothing; only
//! what counts for the data is in [`RunSummary`](crate::RunSummary). Checks and benches are no runs, and are not counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use metrics::{Key, KeyName, Label, Level, Metadata, SharedString, with_recorder};
use wasmill_ledger::RunStatus;
use wasmill_sandbox::Usage;
use wasmill_sandbox::accounting::{CallTimes, UsageSink};
use wasmill_sandbox::component::{Digest, PluginKind};

use crate::checked::{SinkStep, Step, Work};
use crate::error::StepError;
use crate::exec::task::StepCounts;
use crate::policy::breaker::BreakerState;

/// What kind a metric is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric that runs report.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
    /// Of a histogram: where its buckets end. A recorder that makes buckets should make these; see [`CallTimes`].
    pub buckets: &'static [f64],
}

const fn metric(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, help, buckets: &[] }
}

const RECEIVED_EVENTS: Metric =
    metric("component_received_events_total", Kind::Counter, "Rows that a step read.");
const SENT_EVENTS: Metric =
    metric("component_sent_events_total", Kind::Counter, "Rows that a step gave to the next.");
const DISCARDED_EVENTS: Metric =
    metric("component_discarded_events_total", Kind::Counter, "Rows that a step left out.");
const RECEIVED_BYTES: Metric =
    metric("component_received_bytes_total", Kind::Counter, "Bytes of rows passed to the plugin.");
const SENT_BYTES: Metric = metric(
    "component_sent_bytes_total",
    Kind::Counter,
    "Bytes that the plugin returned, or that were published.",
);
const ERRORS: Metric =
    metric("component_errors_total", Kind::Counter, "Calls, attempts and commits that failed.");
const CALLS: Metric = metric("wasm_calls_total", Kind::Counter, "Calls into the plugin.");
const CALL_SECONDS: Metric = Metric {
    buckets: &CallTimes::BOUNDS,
    ..metric("wasm_call_seconds", Kind::Histogram, "Time of each call, waiting included.")
};
const CPU_SECONDS: Metric = Metric {
    buckets: &[0.001, 0.01, 0.1, 1.0, 10.0, 100.0],
    ..metric("wasm_cpu_seconds", Kind::Histogram, "Time that each instance held a thread.")
};
const FUEL: Metric =
    metric("wasm_fuel_total", Kind::Counter, "Units of about one WebAssembly instruction.");
const MEMORY: Metric =
    metric("wasm_memory_bytes", Kind::Gauge, "Memory of one instance, at the highest.");
const TRAPS: Metric =
    metric("wasm_traps_total", Kind::Counter, "Calls that were stopped, by the kind of fault.");
const BREAKER_OPEN: Metric = metric(
    "wasm_breaker_open",
    Kind::Gauge,
    "Whether the step's breaker keeps batches back: 0 or 1.",
);
const BREAKER_OPENED: Metric =
    metric("wasm_breaker_opened_total", Kind::Counter, "How often the step's breaker opened.");
const QUARANTINED: Metric =
    metric("quarantined_rows_total", Kind::Counter, "Rows held back, by the rule they violate.");
const RUN_SECONDS: Metric =
    metric("run_duration_seconds", Kind::Gauge, "How long the last run took.");
const RUNS: Metric = metric("runs_total", Kind::Counter, "Runs that ended, by how they ended.");

/// All metrics.
pub const METRICS: [Metric; 17] = [
    RECEIVED_EVENTS,
    SENT_EVENTS,
    DISCARDED_EVENTS,
    RECEIVED_BYTES,
    SENT_BYTES,
    ERRORS,
    CALLS,
    CALL_SECONDS,
    CPU_SECONDS,
    FUEL,
    MEMORY,
    TRAPS,
    BREAKER_OPEN,
    BREAKER_OPENED,
    QUARANTINED,
    RUN_SECONDS,
    RUNS,
];

/// How many rules of one step have series of their own. Plugins name rules, and each series costs its collector memory.
pub const MAX_RULES: usize = 100;
/// What all other rules are counted under.
pub const OTHER_RULES: &str = "other";
/// Longer names of rules are cut, in characters.
const MAX_RULE_CHARS: usize = 80;

static METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Tells the recorder what the metrics mean.
fn describe() {
    with_recorder(|recorder| {
        for Metric { name, kind, help, .. } in METRICS {
            let (name, help) = (KeyName::from_const_str(name), SharedString::const_str(help));
            match kind {
                Kind::Counter => recorder.describe_counter(name, None, help),
                Kind::Gauge => recorder.describe_gauge(name, None, help),
                Kind::Histogram => recorder.describe_histogram(name, None, help),
            }
        }
    });
}

/// What all series of a thing have in common.
struct Series(Vec<Label>);

impl Series {
    fn key(&self, metric: &Metric, more: &[(&'static str, &str)]) -> Key {
        let more = more.iter().map(|(name, value)| Label::new(*name, (*value).to_owned()));
        Key::from_parts(metric.name, self.0.iter().cloned().chain(more).collect::<Vec<_>>())
    }

    fn count(&self, metric: &Metric, more: &[(&'static str, &str)], count: u64) {
        let key = self.key(metric, more);
        with_recorder(|recorder| recorder.register_counter(&key, &METADATA).increment(count));
    }

    fn set(&self, metric: &Metric, value: f64) {
        let key = self.key(metric, &[]);
        with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(value));
    }

    fn record(&self, metric: &Metric, values: impl Iterator<Item = (u64, f64)>) {
        let key = self.key(metric, &[]);
        let histogram = with_recorder(|recorder| recorder.register_histogram(&key, &METADATA));
        for (times, value) in values {
            histogram.record_many(value, usize::try_from(times).unwrap_or(usize::MAX));
        }
    }
}

/// Counts for the runs of one pipeline.
pub(crate) struct Meters {
    tenant: SharedString,
    pipeline: SharedString,
    is_counting: Arc<AtomicBool>,
    /// Sources, transforms, validators and sinks.
    steps: BTreeMap<String, Arc<StepMeter>>,
}

impl Meters {
    pub(crate) fn new(tenant: &str, pipeline: &str) -> Self {
        Self {
            tenant: SharedString::from_shared(tenant.into()),
            pipeline: SharedString::from_shared(pipeline.into()),
            is_counting: Arc::default(),
            steps: BTreeMap::new(),
        }
    }

    /// The meter of a step at which a plugin is at work. Notifiers have names of their own.
    pub(crate) fn plugin(
        &mut self,
        step: &str,
        kind: PluginKind,
        digest: Digest,
    ) -> Arc<StepMeter> {
        let kind = match kind {
            PluginKind::Extractor => StepKind::Source,
            PluginKind::Transformer => StepKind::Transform,
            PluginKind::Validator => StepKind::Validator,
            PluginKind::Loader => StepKind::Sink,
            PluginKind::Notifier => StepKind::Notifier,
        };
        let meter = Arc::new(self.meter(step, kind, &digest.to_string()));
        if kind != StepKind::Notifier {
            self.steps.insert(step.to_owned(), Arc::clone(&meter));
        }
        meter
    }

    /// Adds meters for steps without plugins.
    pub(crate) fn complete<'a>(
        &mut self,
        steps: impl Iterator<Item = &'a Step>,
        sinks: impl Iterator<Item = &'a Arc<SinkStep>>,
    ) {
        let steps = steps.map(|step| {
            let kind = match &step.work {
                Work::Source(_) => StepKind::Source,
                Work::Transform(_) => StepKind::Transform,
                Work::Sql(_) => StepKind::Sql,
                Work::Validate(_) => StepKind::Validator,
            };
            (&step.name, kind)
        });
        for (name, kind) in steps.chain(sinks.map(|sink| (&sink.name, StepKind::Sink))) {
            if !self.steps.contains_key(name) {
                let meter = self.meter(name, kind, "");
                self.steps.insert(name.clone(), Arc::new(meter));
            }
        }
    }

    fn meter(&self, step: &str, kind: StepKind, plugin: &str) -> StepMeter {
        let shared = |text: &str| SharedString::from_shared(text.into());
        let labels = vec![
            Label::new("tenant", self.tenant.clone()),
            Label::new("pipeline", self.pipeline.clone()),
            Label::new("step", shared(step)),
            Label::new("step_kind", kind.name()),
            Label::new("plugin", shared(plugin)),
        ];
        StepMeter {
            rules_of: [&self.tenant, &self.pipeline, step].map(str::to_owned),
            kind,
            series: Series(labels),
            is_counting: Arc::clone(&self.is_counting),
            peak_memory: Mutex::default(),
        }
    }

    pub(crate) fn step(&self, name: &str) -> Option<&StepMeter> {
        self.steps.get(name).map(Arc::as_ref)
    }

    /// From here on is counted.
    pub(crate) fn start(&self) {
        describe();
        self.is_counting.store(true, Ordering::Relaxed);
    }

    pub(crate) fn run_ended(&self, status: RunStatus, elapsed: Duration) {
        if !self.is_counting.load(Ordering::Relaxed) {
            return;
        }
        let series = Series(vec![
            Label::new("tenant", self.tenant.clone()),
            Label::new("pipeline", self.pipeline.clone()),
        ]);
        series.count(&RUNS, &[("status", status.name())], 1);
        series.set(&RUN_SECONDS, elapsed.as_secs_f64());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepKind {
    Source,
    Transform,
    Sql,
    Validator,
    Sink,
    Notifier,
}

impl StepKind {
    fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Transform => "transform",
            Self::Sql => "sql",
            Self::Validator => "validator",
            Self::Sink => "sink",
            Self::Notifier => "notifier",
        }
    }

    /// Where in the way of a row an error occurred, in the words of Vector's specification.
    fn stage(self) -> &'static str {
        match self {
            Self::Source => "receiving",
            Self::Transform | Self::Sql | Self::Validator => "processing",
            Self::Sink | Self::Notifier => "sending",
        }
    }
}

/// Counts for one step.
pub(crate) struct StepMeter {
    /// Tenant, pipeline and step.
    rules_of: [String; 3],
    kind: StepKind,
    series: Series,
    is_counting: Arc<AtomicBool>,
    /// Held while the gauge is set, so that it never falls.
    peak_memory: Mutex<u64>,
}

impl UsageSink for StepMeter {
    fn used(&self, usage: &Usage, calls: &CallTimes) {
        if !self.is_counting() {
            return;
        }
        let series = &self.series;
        series.count(&CALLS, &[], usage.calls);
        series.record(&CALL_SECONDS, calls.classes());
        series.record(&CPU_SECONDS, [(1, usage.cpu_time.as_secs_f64())].into_iter());
        series.count(&FUEL, &[], usage.fuel);
        series.count(&RECEIVED_BYTES, &[], usage.bytes_in);
        series.count(&SENT_BYTES, &[], usage.bytes_out);
        for (kind, faults) in usage.faults.iter() {
            self.errors(kind.name(), faults);
            if kind.ends_the_instance() {
                series.count(&TRAPS, &[("kind", kind.name())], faults);
            }
        }
        let mut peak = self.peak_memory.lock().unwrap_or_else(PoisonError::into_inner);
        *peak = usage.peak_memory.max(*peak);
        series.set(&MEMORY, *peak as f64);
    }
}

impl StepMeter {
    fn is_counting(&self) -> bool {
        self.is_counting.load(Ordering::Relaxed)
    }

    fn errors(&self, error_type: &str, count: u64) {
        let labels = [("error_type", error_type), ("stage", self.kind.stage())];
        self.series.count(&ERRORS, &labels, count);
    }

    /// What the step did with rows in an attempt that has ended, whatever became of it.
    pub(crate) fn attempted(&self, counts: &StepCounts) {
        if !self.is_counting() {
            return;
        }
        // Which rows go into a query is not counted where it is at work.
        if self.kind != StepKind::Sql {
            self.series.count(&RECEIVED_EVENTS, &[], counts.rows_in);
        }
        self.series.count(&SENT_EVENTS, &[], counts.rows_out);
        let by_intention = [("intentional", "true")];
        self.series.count(&DISCARDED_EVENTS, &by_intention, counts.dropped);
    }

    /// Rows of such an attempt that were held back because of a rule.
    pub(crate) fn quarantined(&self, rule: &str, rows: u64) {
        if self.is_counting() {
            let rule = counted_rule(&self.rules_of, rule);
            self.series.count(&QUARANTINED, &[("rule", &rule)], rows);
        }
    }

    /// Why an attempt failed, unless a plugin did: its faults are counted where they occur.
    pub(crate) fn failed(&self, error: &StepError) {
        let error_type = match error {
            StepError::Plugin { .. } => return,
            StepError::Connector { .. } => "connector",
            StepError::RowRefused { .. } => "row-refused",
            StepError::Sql { .. } => "query",
            StepError::QueryMemory { .. } => "query-memory",
            StepError::BreakerOpen { .. } => "breaker-open",
            StepError::Host { .. } => "host",
        };
        if self.is_counting() {
            self.errors(error_type, 1);
        }
    }

    /// The step's breaker has changed.
    pub(crate) fn breaker(&self, state: BreakerState) {
        if !self.is_counting() {
            return;
        }
        let (open, opened) = match state {
            BreakerState::Closed => (0.0, 0),
            BreakerState::HalfOpen => (1.0, 0),
            BreakerState::Open | BreakerState::GivenUp => (1.0, 1),
        };
        self.series.set(&BREAKER_OPEN, open);
        self.series.count(&BREAKER_OPENED, &[], opened);
    }

    /// A connector could not publish.
    pub(crate) fn commit_failed(&self) {
        if self.is_counting() {
            self.errors("connector", 1);
        }
    }

    /// A connector published.
    pub(crate) fn published(&self, bytes: u64) {
        if self.is_counting() {
            self.series.count(&SENT_BYTES, &[], bytes);
        }
    }
}

/// The rules that have series, by tenant, pipeline and step: of the whole process, as the series are.
static RULES: LazyLock<Mutex<BTreeMap<[String; 3], BTreeSet<String>>>> =
    LazyLock::new(Mutex::default);

/// What rows that violate a rule are counted under.
fn counted_rule(step: &[String; 3], rule: &str) -> String {
    let rule = bounded_rule(rule);
    let mut rules = RULES.lock().unwrap_or_else(PoisonError::into_inner);
    let rules = rules.entry(step.clone()).or_default();
    if rules.contains(&rule) {
        return rule;
    }
    if rules.len() >= MAX_RULES {
        return OTHER_RULES.to_owned();
    }
    rules.insert(rule.clone());
    rule
}

/// A rule's name as a label: short and printable. Without backslashes, as recorders differ in how they escape them, and
/// two names that come out alike would make the whole exposition invalid.
fn bounded_rule(rule: &str) -> String {
    let replaced = |char: char| if char.is_control() || char == '\\' { '_' } else { char };
    rule.chars().take(MAX_RULE_CHARS).map(replaced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rules_are_bounded() {
        assert_eq!(bounded_rule("not-null"), "not-null");
        assert_eq!(bounded_rule("a\"b\\n\nc\u{1b}[0m"), "a\"b_n_c_[0m");
        assert_eq!(bounded_rule(&"ä".repeat(1_000)).chars().count(), MAX_RULE_CHARS);
    }

    #[test]
    fn a_step_has_only_so_many_rules() {
        let step = ["t", "p", "only so many rules"].map(str::to_owned);
        for index in 0..MAX_RULES {
            let rule = format!("rule-{index}");
            assert_eq!(counted_rule(&step, &rule), rule);
        }
        assert_eq!(counted_rule(&step, "one-more"), OTHER_RULES);
        assert_eq!(counted_rule(&step, "rule-0"), "rule-0", "those that are known stay");
        let other = ["t", "p", "another step"].map(str::to_owned);
        assert_eq!(counted_rule(&other, "one-more"), "one-more");
    }
}
