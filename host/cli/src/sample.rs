//! `wasmill sample`.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::sample::report::{
    Outcome, PairedRows, RowFate, RowSample, SampleReport, SourceSample, StepSample, TableSample,
    Values,
};
use wasmill_pipeline::sample::{ColumnFate, ColumnUse, Sample, SampleRefused, Sampling};

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::paint::{Colour, Paint, width};
use crate::run::cancelled_by_signals;
use crate::{Output, OutputArgs, check, findings, json_lines};

pub const EXAMPLES: &str = "\
Examples:
  wasmill sample pipeline.toml
  wasmill sample pipeline.toml --step clean -n 20
  wasmill sample pipeline.toml --step joined --read 50000
  wasmill sample pipeline.toml --output json

Shown are some rows of each kind: rejected, left out, changed; rows that stay as they are fill up what is left. Marks are
those of a difference: ~ changed, + new, - gone or not passed, ! the plugin fails on it.

Only the first rows of each source are read, so counts are those of the sample, and sums of a query too. What queries look
things up in is read further, up to 100,000 rows. Rules about the table as a whole, and gates, are not judged.

Nothing is published: sinks are not opened, nobody is notified, and nothing stays behind. Requests are real: a plugin that is
granted a connection sends them here too.";

#[derive(Debug, Args)]
pub struct SampleArgs {
    /// The pipeline file.
    pipeline: PathBuf,
    /// The transform or validator to show. Otherwise all are, in their order.
    #[arg(long)]
    step: Option<String>,
    /// How many rows of each step to show.
    #[arg(short = 'n', long, default_value = "10")]
    rows: NonZeroUsize,
    /// Shows the first rows as they come, instead of some of each kind.
    #[arg(long)]
    all: bool,
    /// How many rows of each source to read.
    #[arg(long, value_name = "ROWS", default_value = "1000")]
    read: NonZeroUsize,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

/// Shows rows before and after steps.
pub async fn sample(args: &SampleArgs) -> Result<ExitCode, Failure> {
    let output = args.output.output;
    let sampled = match sampled(args).await {
        Ok(report) => report,
        Err(failure) => {
            if output == Output::Json {
                json_lines::print_failure("sample.finished", &[2, 66, 77, 78], &failure);
            }
            return Err(failure);
        }
    };
    match output {
        Output::Text => say!("{}", text(&sampled, Paint::detect(), width()).trim_end()),
        Output::Json => print_json(&sampled),
    }
    let Some(problem) = sampled.problem() else { return Ok(ExitCode::SUCCESS) };
    if output == Output::Json {
        return Ok(ExitCode::from(problem.exit_code));
    }
    let failure = Failure::new(problem.exit_code, problem.message.clone());
    Err(match &problem.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    })
}

async fn sampled(args: &SampleArgs) -> Result<SampleReport, Failure> {
    let output = args.output.output;
    let sampling = Sampling {
        step: args.step.clone(),
        rows: args.rows.get(),
        read: args.read.get(),
        as_they_come: args.all,
    };
    let sample =
        Sample::new(check::read(&args.pipeline)?, sampling).compiled_by(args.compiling.compiler());
    let cancel = cancelled_by_signals();
    let checked = tokio::select! {
        checked = sample.check() => checked.map_err(|refused| self::refused(args, &refused))?,
        () = cancel.cancelled() => return Err(Failure::new(130, "interrupted while checking")),
    };
    findings::print(checked.warnings(), output);
    checked.run(cancel).await.map_err(|error| {
        let failure = Failure::from_error(error.exit_code(), &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

fn refused(args: &SampleArgs, refused: &SampleRefused) -> Failure {
    match refused {
        SampleRefused::Unknown { hint, .. } | SampleRefused::Kind { hint, .. } => {
            Failure::from_error(2, refused).hint(hint)
        }
        SampleRefused::Check(failed) => {
            findings::print(&failed.0, args.output.output);
            let counted = findings::counted(&failed.0);
            let message = format!("{}: {counted}", args.pipeline.display());
            Failure::new(failed.exit_code(), message)
        }
    }
}

/// A line for each source and each step, and a last one that says how it went.
fn print_json(report: &SampleReport) {
    let line = |event: &str, value: Value| {
        let mut line = Map::from_iter([("event".to_owned(), Value::from(event))]);
        line.extend(value.as_object().cloned().unwrap_or_default());
        json_lines::print(&line);
    };
    for source in &report.sources {
        line("sample.source", serde_json::to_value(source).expect("reports are plain data"));
    }
    for step in &report.steps {
        line("sample.step", serde_json::to_value(step).expect("reports are plain data"));
    }
    let problem = report.problem();
    line(
        "sample.finished",
        serde_json::json!({
            "status": if problem.is_some() { "failed" } else { "ok" },
            "pipeline": report.pipeline,
            "problem": problem,
        }),
    );
}

/// Longer values are cut, in characters: to the first of these with which all columns that matter fit the terminal.
const MAX_CELLS: [usize; 4] = [32, 22, 15, 10];
/// Between two columns.
const GAP: usize = 2;

fn text(report: &SampleReport, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    for source in &report.sources {
        text.push_str(&source_text(source, paint));
    }
    for step in &report.steps {
        text.push('\n');
        text.push_str(&step_text(step, paint, width));
    }
    text
}

fn source_text(source: &SourceSample, paint: Paint) -> String {
    if source.problem.is_some() {
        return format!("{} could not be read\n", source.source);
    }
    let extent = if source.is_whole { "all that there are" } else { "the first of more" };
    let mut text = format!("{}: {}, {extent}", source.source, rows(source.rows));
    if source.refused_records > 0 {
        let policy = policy(source.on_bad_row);
        let records = grouped(source.refused_records);
        text.push_str(&format!("; {records} records are none ({policy})"));
    }
    text.push('\n');
    for refused in &source.refused {
        let rule = told(&refused.rule, refused.column.as_ref());
        let line = format!("  - {}: {rule}: {}\n", refused.place, refused.message);
        text.push_str(&paint.paint(Colour::Gone, line.trim_end()));
        text.push_str(&format!("\n      {}\n", cut(refused.record.trim_end(), 100)));
    }
    text
}

/// `1 row`, `2 rows`.
fn rows(rows: u64) -> String {
    format!("{} {}", grouped(rows), if rows == 1 { "row" } else { "rows" })
}

fn told(rule: &str, column: Option<&String>) -> String {
    column.map_or_else(|| rule.to_owned(), |column| format!("{rule} of {column}"))
}

/// What becomes of rows that do not pass.
fn policy(policy: &str) -> &str {
    match policy {
        "quarantine" => "held back in the quarantine",
        "drop" => "dropped",
        "fail" => "a run fails",
        _ => "only counted",
    }
}

fn step_text(step: &StepSample, paint: Paint, width: usize) -> String {
    let mut head = format!(
        "{} ({}, reads {})",
        paint.paint(Colour::Bold, &step.step),
        step.kind,
        step.inputs.join(", ")
    );
    let body = match &step.outcome {
        Outcome::Failed { problem } => format!("  failed: {}\n", problem.message),
        Outcome::NotReached { step } => format!("  not reached: `{step}` failed\n"),
        Outcome::Paired(paired) => {
            head.push_str(&format!(": {}", counts(paired)));
            paired_text(step, paired, paint, width)
        }
        Outcome::Apart { input_rows: inputs, output_rows: output } => {
            let read: Vec<String> = inputs
                .iter()
                .map(|input| format!("{} of {}", rows(input.rows), input.step))
                .collect();
            head.push_str(&format!(": {} -> {}", read.join(" + "), rows(output.rows)));
            apart_text(step, inputs, output, paint, width)
        }
    };
    format!("{head}\n{}{body}", columns_text(step, paint, width))
}

/// `1,000 rows -> 990; 7 rejected, held back in the quarantine; 3 left out`.
fn counts(paired: &PairedRows) -> String {
    let of = |fate| paired.fates.get(&fate).copied().unwrap_or(0);
    let mut text = format!("{} -> {}", rows(paired.rows_in), grouped(paired.rows_out));
    let parts = [
        (of(RowFate::Fault), "make the plugin fail", policy(paired.on_fault)),
        (of(RowFate::Rejected), "rejected", policy(paired.on_rejected)),
        (of(RowFate::LeftOut), "left out", ""),
        (of(RowFate::Changed), "changed", ""),
    ];
    for (count, what, policy) in parts.into_iter().filter(|(count, ..)| *count > 0) {
        let policy = if policy.is_empty() { String::new() } else { format!(" ({policy})") };
        text.push_str(&format!("; {} {what}{policy}", grouped(count)));
    }
    text
}

/// What becomes of columns, but for those that pass: `+ gross Float64`.
fn columns_text(step: &StepSample, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    for (mark, colour) in [('+', Colour::New), ('~', Colour::Changed), ('-', Colour::Gone)] {
        let marked = step.columns.iter().filter(|column| self::mark(step, column) == Some(mark));
        let words: Vec<String> = marked.map(|column| column_word(step, column)).collect();
        for line in wrapped(&words, width.saturating_sub(4)) {
            text.push_str(&format!("  {}\n", paint.paint(colour, &format!("{mark} {line}"))));
        }
    }
    text
}

/// In how many rows a column has other values, where that is known.
fn changed_rows(step: &StepSample, column: &ColumnUse) -> Option<u64> {
    match &step.outcome {
        Outcome::Paired(paired) => Some(paired.changed.get(&column.column).copied().unwrap_or(0)),
        _ => None,
    }
}

/// The mark of a column; none where it passes, or is made anew with the values that it had.
fn mark(step: &StepSample, column: &ColumnUse) -> Option<char> {
    match column.fate {
        ColumnFate::New => Some('+'),
        ColumnFate::Gone => Some('-'),
        ColumnFate::Renamed | ColumnFate::Retyped => Some('~'),
        ColumnFate::Rewritten => (changed_rows(step, column) != Some(0)).then_some('~'),
        ColumnFate::Kept => None,
    }
}

fn column_word(step: &StepSample, column: &ColumnUse) -> String {
    let renamed = column.old_name.as_ref().map_or(String::new(), |old| format!("{old} → "));
    let retyped = column.old_type.as_ref().map_or(String::new(), |old| format!("{old} → "));
    let rows = match (column.fate, changed_rows(step, column)) {
        (ColumnFate::Retyped | ColumnFate::Rewritten, Some(rows)) if rows > 0 => {
            format!(" ({})", self::rows(rows))
        }
        _ => String::new(),
    };
    format!("{renamed}{} {retyped}{}{rows}", column.column, column.data_type)
}

/// Words with commas between, in lines of so many characters.
fn wrapped(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let comma = if index + 1 < words.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() + 2 <= width => {
                line.push_str(&format!(" {word}{comma}"));
            }
            _ => lines.push(format!("{word}{comma}")),
        }
    }
    lines
}

// ---------------------------------------------------------------- rows in pairs

/// A value of a table, and how it is painted.
type Cell = (String, Option<Colour>);

fn paired_text(step: &StepSample, paired: &PairedRows, paint: Paint, width: usize) -> String {
    let mut text = String::new();
    for rule in &paired.rules {
        let severity = if rule.is_warning { "warned of" } else { "rejected" };
        let name = told(&rule.rule, rule.column.as_ref());
        text.push_str(&format!("  {name}: {} {severity}\n", rows(rule.rows)));
    }
    if !paired.shown.is_empty() {
        text.push('\n');
        text.push_str(&pairs_table(step, paired, paint, width));
    }
    if paired.made_rows > 0 {
        text.push_str(&format!("\n  {} that come of no row before:\n", rows(paired.made_rows)));
        text.push_str(&plain_table(&paired.made, Some(Colour::New), paint, width));
    }
    text
}

fn pairs_table(step: &StepSample, paired: &PairedRows, paint: Paint, width: usize) -> String {
    let columns = ordered_columns(step, paired);
    let matter = columns.iter().filter(|column| column.0 < ORDINARY).count();
    let columns: Vec<&ColumnUse> = columns.into_iter().map(|(_, column)| column).collect();
    let heads = columns.iter().map(|column| match mark(step, column) {
        Some('+') => (format!("+{}", column.column), Some(Colour::New)),
        Some('-') => (format!("-{}", column.column), Some(Colour::Gone)),
        Some(mark) => (format!("{mark}{}", column.column), Some(Colour::Changed)),
        None => (column.column.clone(), None),
    });
    let head = [(String::new(), None), ("row".to_owned(), None)].into_iter().chain(heads);
    let head = Line { cells: head.collect(), below: Vec::new() };
    fitting(matter, |most| {
        let rows = paired.shown.iter().flat_map(|row| row_lines(row, &columns, most));
        let lines: Vec<Line> = std::iter::once(head.clone()).chain(rows).collect();
        table(&lines, columns.len(), paint, width)
    })
}

/// The widest of the tables that hold so many columns; `table` makes one of values that are cut to so many characters.
fn fitting(columns: usize, table: impl Fn(usize) -> (String, usize)) -> String {
    let [widest, narrower @ ..] = MAX_CELLS;
    let mut best = table(widest);
    for most in narrower {
        if best.1 >= columns {
            break;
        }
        best = table(most);
    }
    best.0
}

/// Columns of this rank and beyond say little of a step.
const ORDINARY: u8 = 4;

/// The columns that say most come first, with their rank: those that a reason names, those with other values, new ones, those
/// with another name or that are gone; each in the order of the table.
fn ordered_columns<'a>(step: &'a StepSample, paired: &PairedRows) -> Vec<(u8, &'a ColumnUse)> {
    let named: BTreeSet<&String> =
        paired.rules.iter().filter_map(|rule| rule.column.as_ref()).collect();
    let rank = |column: &ColumnUse| {
        let is_named = named.contains(&column.column)
            || column.old_name.as_ref().is_some_and(|name| named.contains(name));
        match column.fate {
            _ if is_named => 0,
            _ if paired.changed.contains_key(&column.column) => 1,
            ColumnFate::New => 2,
            ColumnFate::Renamed | ColumnFate::Gone => 3,
            ColumnFate::Retyped => ORDINARY,
            ColumnFate::Rewritten | ColumnFate::Kept => ORDINARY + 1,
        }
    };
    let mut columns: Vec<_> = step.columns.iter().map(|column| (rank(column), column)).collect();
    columns.sort_by_key(|(rank, _)| *rank);
    columns
}

/// A row of a table, and lines that belong to it.
#[derive(Clone)]
struct Line {
    cells: Vec<Cell>,
    below: Vec<Cell>,
}

/// The lines of a row, whose values are cut to so many characters.
fn row_lines(row: &RowSample, columns: &[&ColumnUse], most: usize) -> Vec<Line> {
    let (mark, colour) = match row.fate {
        RowFate::Fault => ("!", Some(Colour::Gone)),
        RowFate::Rejected | RowFate::LeftOut => ("-", Some(Colour::Gone)),
        RowFate::Changed => ("~", Some(Colour::Changed)),
        RowFate::Same => ("", None),
    };
    let place = match row.row {
        Some(number) => format!("{} {number}", row.split),
        None => row.split.clone(),
    };
    let afters: Vec<Option<&Values>> =
        if row.after.is_empty() { vec![None] } else { row.after.iter().map(Some).collect() };
    let mut lines = Vec::new();
    for (index, after) in afters.into_iter().enumerate() {
        // Of several rows that come of one, the first stands beside it.
        let (mark, place) = if index == 0 { (mark, place.as_str()) } else { ("+", "") };
        let colour = if index == 0 { colour } else { Some(Colour::New) };
        let mut cells = vec![(mark.to_owned(), colour), (place.to_owned(), None)];
        cells.extend(columns.iter().map(|column| match after {
            Some(after) => passed_cell(column, &row.before, after, most),
            None => lost_cell(column, &row.before, most, colour),
        }));
        lines.push(Line { cells, below: Vec::new() });
    }
    let reasons = row.reasons.iter().map(|reason| {
        let kind = if reason.is_warning { "warned" } else { row.fate.name() };
        let rule = told(&reason.rule, reason.column.as_ref());
        let colour = if reason.is_warning { Colour::Changed } else { Colour::Gone };
        (format!("{kind}: {rule}: {}", reason.message), Some(colour))
    });
    if let Some(last) = lines.last_mut() {
        last.below.extend(reasons);
        if row.fate == RowFate::LeftOut {
            last.below.push(("left out".to_owned(), Some(Colour::Dim)));
        }
    }
    lines
}

fn passed_cell(column: &ColumnUse, before: &Values, after: &Values, most: usize) -> Cell {
    let value = |values: &Values, name: &str| values.get(name).map(|value| shown(value, most));
    let old_name = column.old_name.as_ref().unwrap_or(&column.column);
    match column.fate {
        ColumnFate::New => (value(after, &column.column).unwrap_or_default(), Some(Colour::New)),
        ColumnFate::Gone => (value(before, &column.column).unwrap_or_default(), Some(Colour::Gone)),
        ColumnFate::Kept | ColumnFate::Renamed => {
            (value(after, &column.column).unwrap_or_default(), None)
        }
        ColumnFate::Rewritten | ColumnFate::Retyped => {
            let (old, new) = (value(before, old_name), value(after, &column.column));
            let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
            if old == new {
                (new, None)
            } else {
                (format!("{old} → {new}"), Some(Colour::Changed))
            }
        }
    }
}

fn lost_cell(column: &ColumnUse, before: &Values, most: usize, colour: Option<Colour>) -> Cell {
    let name = column.old_name.as_ref().unwrap_or(&column.column);
    (before.get(name).map(|value| shown(value, most)).unwrap_or_default(), colour)
}

/// A value for a person: in quotes where its ends would not be seen, or where it could be taken for a null.
fn shown(value: &Option<String>, most: usize) -> String {
    let Some(text) = value else { return "null".to_owned() };
    let text = text.replace('\n', "\\n").replace('\t', "\\t");
    let is_plain = !text.is_empty() && text.trim() == text && text != "null";
    let cut = cut(&text, most);
    if is_plain { cut } else { format!("\"{cut}\"") }
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

// ---------------------------------------------------------------- tables

fn apart_text(
    step: &StepSample,
    inputs: &[TableSample],
    output: &TableSample,
    paint: Paint,
    width: usize,
) -> String {
    let mut text = String::new();
    for table in inputs {
        text.push_str(&format!("\n  - {}: {}\n", table.step, rows(table.rows)));
        text.push_str(&plain_table(&table.shown, None, paint, width));
    }
    text.push_str(&format!("\n  + {}: {}\n", step.step, rows(output.rows)));
    text.push_str(&plain_table(&output.shown, None, paint, width));
    text
}

fn plain_table(
    shown_rows: &[Values],
    colour: Option<Colour>,
    paint: Paint,
    width: usize,
) -> String {
    let Some(first) = shown_rows.first() else { return String::new() };
    let none = || (String::new(), None);
    let head = first.keys().map(|name| (name.clone(), None));
    let mut lines =
        vec![Line { cells: [none(), none()].into_iter().chain(head).collect(), below: Vec::new() }];
    lines.extend(shown_rows.iter().map(|row| {
        let cells = row.values().map(|value| (shown(value, MAX_CELLS[0]), colour));
        Line { cells: [none(), none()].into_iter().chain(cells).collect(), below: Vec::new() }
    }));
    table(&lines, first.len(), paint, width).0
}

/// Aligns cells in columns, as many as the width holds; the first two are a mark and a place. More columns are counted. Returns how
/// many columns are shown, too.
fn table(lines: &[Line], columns: usize, paint: Paint, width: usize) -> (String, usize) {
    let widest = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.cells.get(column));
        cells.map(|(text, _)| text.chars().count()).max().unwrap_or(0)
    };
    let mut fitting: Vec<usize> = Vec::new();
    let mut used = 2;
    let mut count = 0;
    for column in 0..columns + 2 {
        let widest = widest(column);
        // Room for how many more there are, unless this is the last one.
        let more = if column + 1 < columns + 2 { 12 } else { 0 };
        if column > 2 && used + widest + more > width {
            break;
        }
        fitting.push(widest);
        used += if widest == 0 { 0 } else { widest + GAP };
        count += 1;
    }
    let hidden = columns + 2 - count;
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let mut row = "  ".to_owned();
        for (column, widest) in fitting.iter().enumerate() {
            if *widest == 0 {
                continue;
            }
            let none = (String::new(), None);
            let (cell, colour) = line.cells.get(column).unwrap_or(&none);
            let padding = " ".repeat(widest - cell.chars().count() + GAP);
            let cell = colour.map_or_else(|| cell.clone(), |colour| paint.paint(colour, cell));
            row.push_str(&format!("{cell}{padding}"));
        }
        if number == 0 && hidden > 0 {
            row.push_str(&format!("… {hidden} more"));
        }
        text.push_str(row.trim_end());
        text.push('\n');
        for (below, colour) in &line.below {
            let below = colour.map_or_else(|| below.clone(), |colour| paint.paint(colour, below));
            text.push_str(&format!("       {below}\n"));
        }
    }
    (text, columns - hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_can_be_told_apart() {
        let cases = [
            (None, "null"),
            (Some("null"), "\"null\""),
            (Some(""), "\"\""),
            (Some(" b"), "\" b\""),
            (Some("a\nb"), "a\\nb"),
            (Some("12"), "12"),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(&value.map(str::to_owned), 32), expected);
        }
        assert_eq!(shown(&Some("x".repeat(100)), 32).chars().count(), 33);
    }

    #[test]
    fn columns_that_do_not_fit_are_counted() {
        let cells = |cells: &[&str]| {
            let cells = cells.iter().map(|cell| ((*cell).to_owned(), None)).collect();
            Line { cells, below: Vec::new() }
        };
        let long = "x".repeat(30);
        let lines = [cells(&["", "row", "a", "b", "c"]), cells(&["~", "s 1", "1 → 2", &long, "3"])];
        let (whole, _) = table(&lines, 3, Paint::plain(), 80);
        assert_eq!(whole.lines().nth(1), Some(&*format!("  ~  s 1  1 → 2  {long}  3")));
        let (narrow, count) = table(&lines, 3, Paint::plain(), 40);
        let expected = ["     row  a      … 2 more", "  ~  s 1  1 → 2"];
        assert_eq!((narrow.lines().collect::<Vec<_>>(), count), (expected.to_vec(), 1));
    }

    #[test]
    fn lists_are_wrapped() {
        let words = ["a Int64", "b Utf8", "c Date32"].map(str::to_owned);
        assert_eq!(wrapped(&words, 16), ["a Int64, b Utf8,", "c Date32"]);
    }
}
