//! `wasmill shadow`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::shadow::report::{
    Difference, Example, Figures, Severity, ShadowReport, ShadowStatus, TableResult,
};
use wasmill_pipeline::shadow::{Comparing, Shadow, ShadowError, ShadowRefused};

use crate::bench::{read_config, time};
use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::run::cancelled_by_signals;
use crate::table::{bytes, table};
use crate::{Output, OutputArgs, check, findings, json_lines};

pub const EXAMPLES: &str = "\
Examples:
  wasmill shadow pipeline.toml --step clean --with clean-2.wasm
  wasmill shadow pipeline.toml --step clean --with clean-2.wasm --config config.json --tolerance 1e-9
  wasmill shadow pipeline.toml --step rules --with rules-2.wasm --max-rows 100000 --fail-on-difference

Nothing is published, of neither version: rows go nowhere, nobody is notified, and ledger and quarantine are temporary.
Requests are real: a plugin that is granted a connection sends them here too, and both versions do. --no-http grants the
new version none.

The exit code is 0, whether the versions differ or not; with --fail-on-difference it is 65 where they do. What the new
version does, a crash included, never fails the command otherwise.
docs/plugins.md tells how versions are compared.";

#[derive(Debug, Args)]
pub struct ShadowArgs {
    /// The pipeline file.
    pipeline: PathBuf,
    /// The transform or validator, a plugin, that has a new version.
    #[arg(long)]
    step: String,
    /// The new version: a .wasm file, or the name of a plugin of the pipeline. It gets the configuration, grants and limits of
    /// the step.
    #[arg(long, value_name = "COMPONENT|NAME")]
    with: String,
    /// The configuration of the new version instead of that of the step: a JSON object, or the path of a file that holds one.
    #[arg(long, value_name = "JSON|FILE")]
    config: Option<String>,
    /// Grants the new version no connection, so that one that wants to send requests is refused.
    #[arg(long)]
    no_http: bool,
    /// How far apart floats may be that count as equal, relative to the larger one, such as 1e-9. Otherwise their bits must be
    /// the same; any NaN is any other.
    #[arg(long, default_value = "0", value_parser = tolerance)]
    tolerance: f64,
    /// How many examples of each difference to show.
    #[arg(long, default_value_t = 5)]
    examples: usize,
    /// Of each split, gives the new version only so many rows, rounded up to whole batches. The old one gets all.
    #[arg(long, value_name = "ROWS")]
    max_rows: Option<u64>,
    /// Ends with the exit code 65 when the versions differ.
    #[arg(long)]
    fail_on_difference: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(tolerance) if (0.0..1.0).contains(&tolerance) => Ok(tolerance),
        _ => Err("it must be a number from 0 to below 1, such as 1e-9".to_owned()),
    }
}

/// Runs a new version of a step beside the old one.
pub async fn shadow(args: &ShadowArgs) -> Result<ExitCode, Failure> {
    let output = args.output.output;
    match compare(args).await {
        Ok(report) => {
            match output {
                Output::Text => print_text(&report, &args.with),
                Output::Json => print_json(&report),
            }
            let fails = args.fail_on_difference && report.status == ShadowStatus::Different;
            Ok(ExitCode::from(if fails { 65 } else { 0 }))
        }
        Err(failure) => {
            if output == Output::Json {
                json_lines::print_failure("shadow.finished", &[2, 66, 77, 78], &failure);
            }
            Err(failure)
        }
    }
}

async fn compare(args: &ShadowArgs) -> Result<ShadowReport, Failure> {
    let output = args.output.output;
    let config = args.config.as_deref().map(read_config).transpose()?;
    let pipeline = check::read(&args.pipeline)?;
    let comparing =
        Comparing { tolerance: args.tolerance, examples: args.examples, max_rows: args.max_rows };
    let mut shadow = Shadow::new(pipeline, &args.step, &plugin(&args.with)?)
        .comparing(comparing)
        .compiled_by(args.compiling.compiler());
    if let Some(config) = config {
        shadow = shadow.config(config);
    }
    if args.no_http {
        shadow = shadow.offline();
    }
    let cancel = cancelled_by_signals();
    let checked = tokio::select! {
        checked = shadow.check() => checked.map_err(|refused| self::refused(args, &refused))?,
        () = cancel.cancelled() => return Err(Failure::new(130, "interrupted while checking")),
    };
    findings::print(checked.warnings(), output);
    checked.run(cancel).await.map_err(|error| failed(&error))
}

/// The new version as a pipeline file would name it: paths are meant from the current folder, not from that of the file.
fn plugin(with: &str) -> Result<String, Failure> {
    let path = Path::new(with);
    if path.extension().is_none_or(|extension| extension != "wasm") {
        return Ok(with.to_owned());
    }
    if !path.is_file() {
        return Err(Failure::new(66, format!("there is no plugin file {with}")));
    }
    let absolute = std::path::absolute(path).map_err(|error| Failure::from_error(74, &error))?;
    Ok(absolute.to_string_lossy().into_owned())
}

fn refused(args: &ShadowArgs, refused: &ShadowRefused) -> Failure {
    match refused {
        ShadowRefused::Step(no_step) => Failure::from_error(2, no_step).hint(no_step.hint()),
        ShadowRefused::Check(failed) => {
            findings::print(&failed.0, args.output.output);
            let counted = findings::counted(&failed.0);
            let (with, step) = (&args.with, &args.step);
            let message = format!("{with} cannot run beside `{step}`: {counted}");
            Failure::new(failed.exit_code(), message)
        }
    }
}

fn failed(error: &ShadowError) -> Failure {
    let failure = Failure::from_error(error.exit_code(), error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn print_json(report: &ShadowReport) {
    for difference in &report.differences {
        json_lines::print(&event("shadow.difference", difference));
    }
    let mut last = event("shadow.finished", report);
    last.insert("differences".to_owned(), Value::from(report.differences.len()));
    json_lines::print(&last);
}

fn event(name: &str, value: &impl Serialize) -> Map<String, Value> {
    let value = serde_json::to_value(value).expect("reports are plain data");
    let mut line = Map::from_iter([("event".to_owned(), Value::from(name))]);
    line.extend(value.as_object().cloned().unwrap_or_default());
    line
}

fn print_text(report: &ShadowReport, with: &str) {
    say!("{}", table(&figure_rows(report), 1..4));
    if !report.differences.is_empty() {
        say!("differences of {with}, old -> new:");
        for difference in &report.differences {
            let (line, examples) = shown(difference);
            say!("  {line}");
            for example in examples {
                say!("    {}", example_line(example));
            }
        }
        say!("");
    }
    let status = match report.status {
        ShadowStatus::Same => "same",
        ShadowStatus::Different => "different",
    };
    say!(
        "{status}: {} rows of `{}` compared, {} equal, {} different; nothing was published",
        grouped(report.rows),
        report.step,
        grouped(report.rows_equal),
        grouped(report.rows_different),
    );
    for note in &report.notes {
        eprintln!("note: {note}");
    }
    if let Some(refused) = &report.refused {
        eprintln!("note: a run would publish nothing either: {refused}");
    }
}

fn figure_rows(report: &ShadowReport) -> Vec<Vec<String>> {
    let shown = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
    let none = "-".to_owned();
    let per_row =
        |figures: &Figures| figures.fuel_per_row.map_or(none.clone(), |fuel| format!("{fuel:.1}"));
    let known = |figure: Option<u64>| figure.map_or(none.clone(), grouped);
    let row = |name: &str, figure: &dyn Fn(&Figures) -> String, ratio: Option<f64>| {
        let ratio = ratio.map_or(String::new(), |ratio| shown(Some(ratio)));
        vec![name.to_owned(), figure(&report.old), figure(&report.new), ratio]
    };
    let header = [report.step.as_str(), "old", "new", "new/old"].map(str::to_owned).to_vec();
    vec![
        header,
        row("component", &|figures| short(&figures.digest), None),
        row("rows in", &|figures| grouped(figures.rows_in), None),
        row("rows out", &|figures| known(figures.rows_out), None),
        row("fuel/row", &per_row, report.fuel_ratio),
        row("in calls", &|figures| time(figures.call_us.into()), report.time_ratio),
        row("calls", &|figures| grouped(figures.calls), None),
        row("search calls", &|figures| grouped(figures.search_calls), None),
        row("bytes in", &|figures| bytes(figures.bytes_in), None),
        row("bytes out", &|figures| bytes(figures.bytes_out), None),
        row("peak memory", &|figures| bytes(figures.peak_memory), None),
        row("log lines", &|figures| grouped(figures.log_lines + figures.dropped_log_lines), None),
    ]
}

/// The beginning of a digest: enough to tell two components apart.
fn short(digest: &str) -> String {
    let hex = digest.rsplit(':').next().unwrap_or_default();
    hex.chars().take(12).collect()
}

/// A difference in a line, and the examples that there are.
fn shown(difference: &Difference) -> (String, &[Example]) {
    let of = |column: &Option<String>| {
        column.as_ref().map_or(String::new(), |column| format!(" of {column}"))
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "not there".to_owned());
    match difference {
        Difference::Column { column, old, new } => {
            (format!("column {column}: {} -> {}", or_none(old), or_none(new)), &[])
        }
        Difference::ColumnOrder => ("columns come in another order".to_owned(), &[]),
        Difference::Fate { old, new, rows, examples } => {
            (format!("{}: {old} -> {new}", counted(*rows)), examples)
        }
        Difference::Values { column, rows, examples } => {
            (format!("{}: other values of {column}", counted(*rows)), examples)
        }
        Difference::Number { rows, examples } => {
            (format!("{}: another number of output rows", counted(*rows)), examples)
        }
        Difference::Rule { severity, rule, column, old_rows, new_rows, rows, examples } => {
            let told = match severity {
                Severity::Reject => "rejected",
                Severity::Warn => "warned of",
            };
            let (old, new) = (grouped(*old_rows), grouped(*new_rows));
            let (rows, of) = (counted(*rows), of(column));
            let line = format!("{rows}: {rule}{of}: rows {told}: {old} -> {new}");
            (line, examples)
        }
        Difference::OnlyOld { rows, examples } => {
            (format!("{} of no input row: only old", counted(*rows)), examples)
        }
        Difference::OnlyNew { rows, examples } => {
            (format!("{} of no input row: only new", counted(*rows)), examples)
        }
        Difference::Table { rule, column, old, new } => {
            let result = |result: &Option<TableResult>| match result {
                Some(result) => {
                    let outcome = json_word(&result.outcome);
                    format!("{outcome}, {} of {}", result.violated, result.checked)
                }
                None => "not judged".to_owned(),
            };
            (format!("table: {rule}{}: {} -> {}", of(column), result(old), result(new)), &[])
        }
        Difference::Metric { metric, old, new } => {
            let value =
                |value: &Option<f64>| value.map_or("none".to_owned(), |value| value.to_string());
            (format!("table: {metric}: {} -> {}", value(old), value(new)), &[])
        }
        Difference::GivenUp { split, fault, message } => {
            let place = split.as_deref().unwrap_or("the table");
            (format!("given up in {place}: {fault}: {message}"), &[])
        }
    }
}

/// `1 row`, `2 rows`.
fn counted(rows: u64) -> String {
    format!("{} {}", grouped(rows), if rows == 1 { "row" } else { "rows" })
}

/// The name that a value has in JSON.
fn json_word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).expect("a name is plain data");
    value.as_str().unwrap_or_default().to_owned()
}

/// `orders-00000 row 4: 3.0 -> 3.2`; of a row of which nothing is said, only where it is.
fn example_line(example: &Example) -> String {
    let row = example.row.map_or(String::new(), |row| format!(" row {row}"));
    if let (None, None) = (&example.old, &example.new) {
        return format!("{}{row}", example.split);
    }
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    format!("{}{row}: {} -> {}", example.split, value(&example.old), value(&example.new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_shares() {
        assert_eq!(tolerance("1e-9"), Ok(1e-9));
        for wrong in ["-1", "1", "NaN", "much"] {
            assert!(tolerance(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn examples_are_lines() {
        let old = Some("3.0".to_owned());
        let example = Example { split: "orders-00000".to_owned(), row: Some(4), old, new: None };
        assert_eq!(example_line(&example), "orders-00000 row 4: 3.0 -> -");
        let example = Example { old: None, ..example };
        assert_eq!(example_line(&example), "orders-00000 row 4");
        assert_eq!(short("sha256:0123456789abcdef"), "0123456789ab");
    }
}
