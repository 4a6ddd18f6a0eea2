//! What a person sees while a run goes on: on a terminal a line for each step with its rows, rows per second and
//! quarantined rows; elsewhere only what is worth a line.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use wasmill_pipeline::StepCounts;
use wasmill_pipeline::events::{Event, Observer};
use wasmill_pipeline::numbers::grouped;
use wasmill_sandbox::capability::log::Level;

/// Shows progress on standard error.
pub struct Progress {
    bars: MultiProgress,
    splits: ProgressBar,
    steps: Mutex<HashMap<String, StepBar>>,
    lowest_level: Level,
    /// How often a step failed because of a row, by the kind of fault.
    faults: Mutex<HashMap<(String, String), u64>>,
}

struct StepBar {
    bar: ProgressBar,
    quarantined: u64,
}

impl Progress {
    pub fn new(verbose: bool) -> Self {
        let bars = MultiProgress::new();
        if !std::io::stderr().is_terminal() {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        let splits = bars.add(ProgressBar::new(0));
        splits.set_style(style("{bar:30} {pos}/{len} splits  {elapsed}"));
        let lowest_level = if verbose { Level::Debug } else { Level::Info };
        Self { bars, splits, steps: Mutex::default(), lowest_level, faults: Mutex::default() }
    }

    /// Takes the bars away.
    pub fn end(&self) {
        drop(self.bars.clear());
    }

    /// Explains the first rows of a kind that make a plugin fail, and only says so of the next ones.
    fn fault(&self, step: String, kind: String, explanation: &str) {
        const EXPLAINED: u64 = 3;
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let count = faults.entry((step, kind)).or_default();
        *count += 1;
        if *count <= EXPLAINED {
            self.say(explanation);
        }
        if *count == EXPLAINED {
            self.say("more of these are counted; `wasmill quarantine show` explains each");
        }
    }

    fn say(&self, line: &str) {
        self.bars.suspend(|| eprintln!("{line}"));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is well-formed")
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        match event {
            Event::RunStarted { run, pipeline } => self.say(&format!("{pipeline}: run {run}")),
            Event::PhaseStarted { splits, .. } => self.splits.inc_length(splits as u64),
            Event::RunResumed { run, pipeline, resumed } => self.say(&format!(
                "{pipeline}: going on with run {run}: {} of {} planned splits are kept",
                resumed.kept, resumed.planned
            )),
            Event::EarlierFinished { run } => {
                let published = "was stopped while it published; it is published now";
                self.say(&format!("run {run} {published}"));
            }
            Event::Draining { splits } => {
                self.say(&format!("interrupted; {splits} splits are being finished"));
            }
            Event::SplitAccepted { .. } | Event::SplitKept { .. } => self.splits.inc(1),
            Event::SplitFailed { split, error, .. } => {
                self.say(&format!("split {split} failed: {error}"));
            }
            Event::SplitRetried { split, error, wait_ms, .. } => {
                self.say(&format!("split {split} failed, trying again in {wait_ms} ms: {error}"));
            }
            Event::Fault { step, kind, explanation, .. } => self.fault(step, kind, &explanation),
            Event::Cassette { step, kind, file, .. } => {
                self.say(&format!("{step}: kept ({kind}): wasmill replay {}", file.display()));
            }
            // Many more may follow.
            Event::CassetteMissed { step, missed: 1, reason, .. } => {
                self.say(&format!("{step}: a failed batch was not kept: {reason}"));
            }
            Event::Breaker { step, state, message } => {
                self.say(&format!("{step}: its breaker is {}: {message}", state.name()));
            }
            Event::Log { step, level, message, .. } if level >= self.lowest_level => {
                self.say(&format!("{step}: {message}"));
            }
            Event::Gate { step, passed: false, message } => {
                self.say(&format!("{step}: gate refused: {message}"));
            }
            Event::Notified { notifier, kind, error: Some(error) } => {
                self.say(&format!("{notifier}: {kind} was not delivered: {error}"));
            }
            Event::Log { .. }
            | Event::CassetteMissed { .. }
            | Event::Gate { .. }
            | Event::Notified { .. }
            | Event::Committed { .. }
            | Event::RunFinished(_) => {}
        }
    }

    fn counted(&self, step: &str, counts: &StepCounts) {
        let mut steps = self.steps.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = steps.entry(step.to_owned()).or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new_spinner());
            let rate = |state: &ProgressState, line: &mut dyn std::fmt::Write| {
                // An estimate; before there is one it is not a number, and shown as 0.
                let _ = write!(line, "{}/s", grouped(state.per_sec() as u64));
            };
            let template = "  {prefix:24} {human_pos:>14} rows  {rate:>12}  {msg}";
            bar.set_style(style(template).with_key("rate", rate));
            bar.set_prefix(step.to_owned());
            StepBar { bar, quarantined: 0 }
        });
        bar.bar.inc(counts.rows_out);
        if counts.quarantined > 0 {
            bar.quarantined += counts.quarantined;
            bar.bar.set_message(format!("{} quarantined", grouped(bar.quarantined)));
        }
    }
}
