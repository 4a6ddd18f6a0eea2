//! Figures for people and programs, from the counts of rounds.
//!
//! Each figure is the median of that figure over all rounds. Counts are the same in each round, unless a plugin was
//! granted real clocks, randomness or connections; times are not.

use std::time::Duration;

use serde::Serialize;

use crate::bench::hints::Hint;
use crate::checked::CheckedPipeline;
use crate::exec::task::StepCounts;
use crate::run::summary::StepSummary;

/// What one round did.
pub(super) struct Round {
    pub(super) elapsed: Duration,
    /// Of each step, in the order of the summary.
    pub(super) counts: Vec<(StepCounts, StepSummary)>,
    /// Why a gate refused the data, where one did.
    pub(super) refused: Option<String>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BenchReport {
    pub pipeline: String,
    pub rounds: usize,
    /// Records that all sources read, in one round.
    pub rows: u64,
    /// Microseconds of a round.
    pub elapsed_us: u64,
    /// Records read per second of a round.
    pub rows_per_s: Option<u64>,
    /// Why a run would be refused by a gate.
    pub refused: Option<String>,
    /// Sources, transforms and validators, each after those that it reads.
    #[serde(skip)]
    pub steps: Vec<StepFigures>,
    #[serde(skip)]
    pub hints: Vec<Hint>,
}

/// What one step did in one round. None is what is not known of a step of its kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepFigures {
    pub step: String,
    /// `source`, `transform`, `sql` or `validator`.
    pub kind: String,
    pub rows_in: u64,
    pub rows_out: u64,
    pub quarantined: u64,
    pub dropped: u64,
    pub added: u64,
    /// Rows in, per second of `call_us` and `host_us`.
    pub rows_per_s: Option<u64>,
    /// Bytes that crossed, both ways, in the same time.
    pub bytes_per_s: Option<u64>,
    pub calls: Option<u64>,
    /// Units of about one WebAssembly instruction; none where it is not metered.
    pub fuel: Option<u64>,
    pub fuel_per_row: Option<f64>,
    /// Bytes of rows that crossed into the sandbox.
    pub bytes_in: Option<u64>,
    /// Bytes of rows, selections, findings and states that crossed out of it.
    pub bytes_out: Option<u64>,
    /// Microseconds within calls, summed over all instances: the plugin, and the copies into its memory and out of it.
    pub call_us: Option<u64>,
    /// Microseconds of the host around the calls: rows cut and lowered, output checked, selections applied, bad rows set
    /// aside.
    pub host_us: Option<u64>,
    /// Bytes of one instance, at the highest.
    pub peak_memory: Option<u64>,
}

impl BenchReport {
    pub(super) fn new(pipeline: &CheckedPipeline, rounds: &[Round], hints: Vec<Hint>) -> Self {
        let places = rounds.first().map_or(0, |round| round.counts.len());
        let steps: Vec<StepFigures> = (0..places)
            .map(|place| rounds.iter().map(|round| &round.counts[place]).collect::<Vec<_>>())
            .filter(|rounds| rounds.iter().all(|(_, step)| step.kind != "sink"))
            .map(|rounds| StepFigures::new(&rounds))
            .collect();
        let sources = steps.iter().filter(|step| step.kind == "source");
        let rows = sources.map(|step| step.rows_in).sum();
        let elapsed_us = median(rounds.iter().map(|round| micros(round.elapsed)));
        Self {
            pipeline: pipeline.name().to_owned(),
            rounds: rounds.len(),
            rows,
            elapsed_us,
            rows_per_s: per_second(rows, elapsed_us),
            refused: rounds.iter().find_map(|round| round.refused.clone()),
            steps,
            hints,
        }
    }
}

impl StepFigures {
    /// Of a step, from its counts in each round; at least one.
    fn new(rounds: &[&(StepCounts, StepSummary)]) -> Self {
        let median = |figure: &dyn Fn(&StepCounts, &StepSummary) -> u64| {
            median(rounds.iter().map(|(counts, summary)| figure(counts, summary)))
        };
        let summary = &rounds[0].1;
        let rows_in = median(&|_, summary| summary.rows_in);
        let calls = median(&|counts, _| counts.usage.calls);
        let by_plugin = |figure: u64| (calls > 0).then_some(figure);
        let fuel = Some(median(&|counts, _| counts.usage.fuel)).filter(|fuel| *fuel > 0);
        // Of a source it is not known: reading goes on in other threads.
        let is_timed = rounds.iter().all(|(counts, _)| !counts.busy.is_zero());
        let call_us = median(&|counts, _| micros(counts.usage.time));
        let host_us = median(&|counts, _| micros(counts.busy.saturating_sub(counts.usage.time)));
        let bytes_in = median(&|counts, _| counts.usage.bytes_in);
        let bytes_out = median(&|counts, _| counts.usage.bytes_out);
        let rate = |amount| per_second(amount, call_us + host_us).filter(|_| is_timed);
        Self {
            step: summary.step.clone(),
            kind: summary.kind.clone(),
            rows_in,
            rows_out: median(&|_, summary| summary.rows_out),
            quarantined: median(&|_, summary| summary.quarantined),
            dropped: median(&|_, summary| summary.dropped),
            added: median(&|_, summary| summary.added),
            rows_per_s: rate(rows_in),
            bytes_per_s: rate(bytes_in + bytes_out),
            calls: by_plugin(calls),
            fuel,
            fuel_per_row: fuel.filter(|_| rows_in > 0).map(|fuel| fuel as f64 / rows_in as f64),
            bytes_in: by_plugin(bytes_in),
            bytes_out: by_plugin(bytes_out),
            call_us: by_plugin(call_us),
            host_us: is_timed.then_some(host_us),
            peak_memory: by_plugin(median(&|counts, _| counts.usage.peak_memory)),
        }
    }
}

/// The middle of some figures; of an even number of them, half-way between the two in the middle.
fn median(figures: impl Iterator<Item = u64>) -> u64 {
    let mut figures: Vec<u64> = figures.collect();
    figures.sort_unstable();
    match figures.len() {
        0 => 0,
        count => figures[(count - 1) / 2].midpoint(figures[count / 2]),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn per_second(amount: u64, time_us: u64) -> Option<u64> {
    u64::try_from(u128::from(amount) * 1_000_000 / u128::from(time_us).max(1))
        .ok()
        .filter(|_| time_us > 0)
}

#[cfg(test)]
mod tests {
    use wasmill_sandbox::accounting::FaultCounts;

    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median([].into_iter()), 0);
        assert_eq!(median([7].into_iter()), 7);
        assert_eq!(median([9, 1, 5].into_iter()), 5);
        assert_eq!(median([9, 1, 5, 7].into_iter()), 6);
    }

    #[test]
    fn rates_are_of_time_that_passed() {
        assert_eq!(per_second(3, 1_500_000), Some(2));
        assert_eq!(per_second(3, 0), None);
    }

    /// A plugin's time is a part of the step's; what is left is the host's. Each figure has its own median.
    #[test]
    fn the_host_has_what_calls_leave() {
        let round = |busy_ms, call_ms| {
            let mut counts = StepCounts {
                rows_in: 10,
                rows_out: 10,
                busy: Duration::from_millis(busy_ms),
                ..StepCounts::default()
            };
            counts.usage.time = Duration::from_millis(call_ms);
            counts.usage.calls = 2;
            counts.usage.bytes_in = 80;
            let summary = StepSummary {
                step: "a".to_owned(),
                kind: "transform".to_owned(),
                plugin: None,
                rows_in: 10,
                rows_out: 10,
                quarantined: 0,
                dropped: 0,
                added: 0,
                calls: 2,
                fuel: 0,
                peak_memory: 0,
                time_ms: call_ms,
                search_calls: 0,
                cpu_ms: call_ms,
                bytes_in: 80,
                bytes_out: 0,
                faults: FaultCounts::default(),
                dropped_log_lines: 0,
            };
            (counts, summary)
        };
        let rounds = [round(10, 8), round(30, 29), round(20, 15)];
        let figures = StepFigures::new(&rounds.each_ref());
        assert_eq!((figures.call_us, figures.host_us), (Some(15_000), Some(2_000)));
        assert_eq!((figures.rows_per_s, figures.bytes_per_s), (Some(588), Some(4_705)));
        assert_eq!((figures.fuel, figures.fuel_per_row), (None, None));
    }
}
