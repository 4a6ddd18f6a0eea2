//! What is said of one turn: lines, whether they go to a terminal or a file.

use wasmill_fixtures::diff;
use wasmill_fixtures::tables::Row;
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::sample::report::{Outcome, SampleReport};

use crate::dev::cycle::{CaseRun, Cycle, Good};
use crate::table::bytes;

/// What a line is about, which is its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Good,
    Bad,
    Dim,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// All that is said of one turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// One line for the top.
    pub(super) title: String,
    pub(super) is_good: bool,
    lines: Vec<Line>,
}

impl Page {
    /// What came, beside what came when all was well last.
    pub(super) fn of(cycle: &Cycle, good: Option<&Good>) -> Self {
        let (passed, failed) = cycle.counts();
        let name = match &cycle.built {
            Ok(built) => format!("{} {}", built.name, built.version),
            Err(_) => cycle.project.display().to_string(),
        };
        let state = match (&cycle.built, failed, cycle.is_good()) {
            (Err(_), ..) => "does not build".to_owned(),
            (Ok(_), 0, true) => format!("{passed} passed"),
            (Ok(_), 0, false) => format!("{passed} passed, the pipeline fails"),
            (Ok(_), failed, _) => format!("{passed} passed, {failed} failed"),
        };
        let mut page = Self {
            title: format!("{name}: {state} in {:.1} s", cycle.seconds),
            is_good: cycle.is_good(),
            lines: Vec::new(),
        };
        let tone = if page.is_good { Tone::Good } else { Tone::Bad };
        let title = page.title.clone();
        page.line(title, tone);
        page.build(cycle);
        page.cases(cycle);
        page.sample(cycle, good);
        page
    }

    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    fn line(&mut self, text: impl Into<String>, tone: Tone) {
        self.lines.push(Line { text: text.into(), tone });
    }

    fn build(&mut self, cycle: &Cycle) {
        match &cycle.built {
            Ok(built) => {
                let size = bytes(built.bytes);
                let text = format!(
                    "built   {}, {size}, in {:.1} s",
                    built.file.display(),
                    cycle.build_seconds
                );
                self.line(text, Tone::Dim);
            }
            Err(message) => {
                self.line("", Tone::Plain);
                for line in message.lines() {
                    self.line(line, Tone::Bad);
                }
            }
        }
    }

    fn cases(&mut self, cycle: &Cycle) {
        if cycle.built.is_ok() && cycle.files.is_empty() {
            self.line("", Tone::Plain);
            self.line("no cases: tests/*.toml; `wasmill test --help` shows one", Tone::Dim);
        }
        for (path, ran) in &cycle.files {
            self.line("", Tone::Plain);
            self.line(path.display().to_string(), Tone::Heading);
            match ran {
                // What fails is what is to be looked at.
                Ok(cases) => {
                    let (good, bad): (Vec<&CaseRun>, Vec<&CaseRun>) =
                        cases.iter().partition(|case| case.ran.has_passed());
                    bad.into_iter().for_each(|case| self.failed(case));
                    good.into_iter().for_each(|case| self.passed(case));
                }
                Err(wrong) => {
                    for line in wrong.lines() {
                        self.line(format!("  {line}"), Tone::Bad);
                    }
                }
            }
        }
    }

    fn passed(&mut self, case: &CaseRun) {
        let (fuel, rows) = case
            .actual
            .as_ref()
            .map_or((0, 0), |actual| (actual.usage.map_or(0, |usage| usage.fuel), actual.rows));
        let text = format!("  ok      {}  {} fuel/row", case.ran.name, grouped(fuel / rows.max(1)));
        self.line(text, Tone::Good);
    }

    fn failed(&mut self, case: &CaseRun) {
        self.line(format!("  FAILED  {}  (line {})", case.ran.name, case.ran.line), Tone::Bad);
        match &case.ran.result {
            Ok(mismatches) => {
                for mismatch in mismatches {
                    self.line(
                        format!("          {}: {}", mismatch.what, mismatch.summary),
                        Tone::Plain,
                    );
                    self.difference(&mismatch.detail, "            ");
                }
            }
            Err(error) => self.line(format!("          {error}"), Tone::Plain),
        }
    }

    fn difference(&mut self, lines: &str, indent: &str) {
        for line in lines.lines() {
            let tone = match line.chars().next() {
                Some('-') => Tone::Bad,
                Some('+') => Tone::Good,
                _ => Tone::Plain,
            };
            self.line(format!("{indent}{line}"), tone);
        }
    }

    fn sample(&mut self, cycle: &Cycle, good: Option<&Good>) {
        let (Some(sample), Some(pipeline)) = (&cycle.sample, &cycle.pipeline) else { return };
        self.line("", Tone::Plain);
        self.line(pipeline.display().to_string(), Tone::Heading);
        match sample {
            Ok(report) => self.steps(report, cycle, good),
            Err(message) => {
                for line in message.lines() {
                    self.line(format!("  {line}"), Tone::Bad);
                }
            }
        }
    }

    fn steps(&mut self, report: &SampleReport, cycle: &Cycle, good: Option<&Good>) {
        let after = cycle.steps();
        for step in &report.steps {
            let name = &step.step;
            match &step.outcome {
                Outcome::Failed { problem } => {
                    self.line(format!("  {name}: {}", problem.message), Tone::Bad);
                    if let Some(hint) = &problem.hint {
                        self.line(format!("    hint: {hint}"), Tone::Plain);
                    }
                    continue;
                }
                Outcome::NotReached { step } => {
                    self.line(format!("  {name}: not reached, because of {step}"), Tone::Dim);
                    continue;
                }
                Outcome::Paired(paired) => {
                    let fates =
                        paired.fates.iter().map(|(fate, rows)| format!("{rows} {}", fate.name()));
                    let fates = fates.collect::<Vec<_>>().join(", ");
                    self.line(
                        format!(
                            "  {name}: {} rows in, {} out; {fates}",
                            paired.rows_in, paired.rows_out
                        ),
                        Tone::Plain,
                    );
                    for rule in &paired.rules {
                        let column = rule
                            .column
                            .as_ref()
                            .map(|column| format!(" of {column}"))
                            .unwrap_or_default();
                        self.line(
                            format!("    {}{column}: {} rows", rule.rule, rule.rows),
                            Tone::Dim,
                        );
                    }
                }
                Outcome::Apart { output_rows, .. } => {
                    self.line(format!("  {name}: {} rows out", output_rows.rows), Tone::Plain);
                }
            }
            let now = after.get(name).map(Vec::as_slice).unwrap_or_default();
            match good.map(|good| good.steps.get(name).map(Vec::as_slice).unwrap_or_default()) {
                None => self.rows(now),
                Some(before) => match diff::rows(before, now, &columns(before, now)) {
                    Some(difference) => {
                        self.line("    beside the last good output:", Tone::Dim);
                        self.difference(&difference, "    ");
                    }
                    None => self.line("    as it was when all was well", Tone::Dim),
                },
            }
        }
    }

    /// The first rows, where there is nothing to compare them with.
    fn rows(&mut self, rows: &[Row]) {
        const SHOWN: usize = 5;
        let shown = &rows[..rows.len().min(SHOWN)];
        let Some(table) = diff::table_of(shown, &columns(&[], shown)) else { return };
        for line in table.lines() {
            self.line(format!("    {line}"), Tone::Plain);
        }
    }
}

/// All columns, in the order in which they come.
fn columns(before: &[Row], now: &[Row]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for name in now.iter().chain(before).flat_map(|row| row.keys()) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    columns
}
