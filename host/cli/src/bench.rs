//! `wasmill bench`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use wasmill_pipeline::bench::component::{ComponentUse, ComponentUseError};
use wasmill_pipeline::bench::report::{BenchReport, StepFigures};
use wasmill_pipeline::bench::{Bench, BenchError};
use wasmill_pipeline::error::chain;
use wasmill_pipeline::numbers::grouped;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::component::PluginKind;
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::run::cancelled_by_signals;
use crate::table::{bytes, table};
use crate::{Output, OutputArgs, check, findings, json_lines};

pub const EXAMPLES: &str = "\
Examples:
  wasmill bench pipeline.toml
  wasmill bench plugin.wasm --data orders.parquet --config config.json
  wasmill bench plugin.wasm --data orders.csv --type net=float64 --config '{\"net\": \"net\"}'

Times are wall-clock times, summed over all workers.
docs/plugins.md tells what to make of the figures.";

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A pipeline file, or a component: a transformer or validator, a .wasm file.
    #[arg(value_name = "PIPELINE|COMPONENT")]
    target: PathBuf,
    /// With a component: a file with rows (csv, jsonl, parquet or arrow, by the end of its name). May be given several
    /// times.
    #[arg(long, value_name = "FILE")]
    data: Vec<PathBuf>,
    /// With a component: its configuration, a JSON object or the path of a file that holds one.
    #[arg(long, value_name = "JSON|FILE")]
    config: Option<String>,
    /// With a component, for csv and jsonl: the type of a column, such as amount=float64. May be given several times.
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = column_type)]
    types: Vec<(String, String)>,
    /// With a component: what stops it.
    #[arg(long, value_enum)]
    profile: Option<ProfileArg>,
    /// How many times to run. The median of each figure is shown.
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

/// The profiles of a pipeline file, by the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProfileArg {
    Metered,
    Guarded,
}

fn column_type(text: &str) -> Result<(String, String), String> {
    // Types hold no `=`, names of columns may.
    match text.rsplit_once('=') {
        Some((column, column_type)) if !column.is_empty() && !column_type.is_empty() => {
            Ok((column.to_owned(), column_type.to_owned()))
        }
        _ => Err("it must look like COLUMN=TYPE, such as amount=float64".to_owned()),
    }
}

/// Measures a pipeline or a component.
pub async fn bench(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let output = args.output.output;
    match measure(args).await {
        Ok(report) => {
            print(&report, output);
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            if output == Output::Json {
                json_lines::print_failure("bench.finished", &[2, 66, 77, 78], &failure);
            }
            Err(failure)
        }
    }
}

async fn measure(args: &BenchArgs) -> Result<BenchReport, Failure> {
    let output = args.output.output;
    let cancel = cancelled_by_signals();
    let compiler = args.compiling.compiler();
    let checking = async {
        let bench = target(args, compiler.clone()).await?.compiled_by(compiler);
        bench.check().await.map_err(|failed| {
            findings::print(&failed.0, output);
            let counted = findings::counted(&failed.0);
            let target = args.target.display();
            Failure::new(failed.exit_code(), format!("{target} cannot run: {counted}"))
        })
    };
    let bench = tokio::select! {
        checked = checking => checked?,
        () = cancel.cancelled() => return Err(Failure::new(130, "interrupted while checking")),
    };
    findings::print(bench.warnings(), output);
    let rounds = NonZeroU32::new(args.rounds).expect("the range of --rounds begins at 1");
    let after_round = |number: u32, elapsed: Duration| match output {
        Output::Text => eprintln!("round {number} of {rounds}: {}", time(elapsed.as_micros())),
        Output::Json => json_lines::print(&json!({
            "event": "bench.round",
            "round": number,
            "elapsed_us": elapsed.as_micros(),
        })),
    };
    bench.run(rounds, cancel, after_round).await.map_err(|error| failed(&error))
}

fn failed(error: &BenchError) -> Failure {
    let failure = Failure::from_error(error.exit_code(), error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What the arguments ask to measure.
async fn target(args: &BenchArgs, compiler: Compiler) -> Result<Bench, Failure> {
    let is_component = args.target.extension().is_some_and(|extension| extension == "wasm");
    if is_component {
        return component(args, compiler).await;
    }
    let only_components = [
        ("--data", !args.data.is_empty()),
        ("--config", args.config.is_some()),
        ("--type", !args.types.is_empty()),
        ("--profile", args.profile.is_some()),
    ];
    if let Some((option, _)) = only_components.into_iter().find(|(_, given)| *given) {
        let target = args.target.display();
        return Err(Failure::new(
            2,
            format!("{option} is for components; {target} is no .wasm file"),
        )
        .hint("a pipeline file says itself what it reads, and how its plugins are configured"));
    }
    Ok(Bench::of_pipeline(check::read(&args.target)?))
}

async fn component(args: &BenchArgs, compiler: Compiler) -> Result<Bench, Failure> {
    let config = args.config.as_deref().map(read_config).transpose()?;
    let kind = kind(&args.target, compiler).await?;
    let types: BTreeMap<String, String> = args.types.iter().cloned().collect();
    let mut used = ComponentUse::new(&args.target, kind, &args.data, &types).map_err(|error| {
        let missing = matches!(error, ComponentUseError::Missing { .. });
        Failure::from_error(if missing { 66 } else { 2 }, &error).hint(error.hint())
    })?;
    if let Some(config) = config {
        used = used.config(config);
    }
    if let Some(profile) = args.profile.as_ref().and_then(ValueEnum::to_possible_value) {
        used = used.profile(profile.get_name());
    }
    Ok(Bench::of_component(used))
}

/// A JSON object: the text itself, or the content of the file of that name.
pub fn read_config(text: &str) -> Result<Map<String, Value>, Failure> {
    let (source, content) = if text.trim_start().starts_with('{') {
        ("--config".to_owned(), text.to_owned())
    } else {
        (text.to_owned(), read(Path::new(text), |path| std::fs::read_to_string(path))?)
    };
    serde_json::from_str(&content).map_err(|error| {
        Failure::new(2, format!("{source} is no JSON object: {error}")).hint(
            "--config takes an object such as '{\"rate\": 0.19}', or the path of a file with one",
        )
    })
}

fn read<T>(path: &Path, read: impl Fn(&Path) -> std::io::Result<T>) -> Result<T, Failure> {
    read(path).map_err(|error| {
        let exit_code = if error.kind() == ErrorKind::NotFound { 66 } else { 74 };
        Failure::new(exit_code, format!("cannot read {}: {error}", path.display()))
    })
}

/// What kind of plugin a component is.
async fn kind(path: &Path, compiler: Compiler) -> Result<PluginKind, Failure> {
    let component = read(path, |path| std::fs::read(path))?;
    let options = SandboxOptions { compiler, ..SandboxOptions::new(1) };
    let sandbox =
        Sandbox::with_options(options).map_err(|error| Failure::from_error(70, &error))?;
    let plugin = sandbox.load_beside(component.into(), path.parent()).await.map_err(|error| {
        Failure::new(78, format!("{} is no plugin: {}", path.display(), chain(&error)))
    })?;
    Ok(plugin.kind())
}

fn print(report: &BenchReport, output: Output) {
    match output {
        Output::Text => print_text(report),
        Output::Json => print_json(report),
    }
}

fn print_json(report: &BenchReport) {
    let event = |name: &str, value: Value| {
        let mut line = Map::from_iter([("event".to_owned(), Value::from(name))]);
        line.extend(value.as_object().cloned().unwrap_or_default());
        line
    };
    let plain = "figures are plain data";
    for step in &report.steps {
        json_lines::print(&event("bench.step", serde_json::to_value(step).expect(plain)));
    }
    for hint in &report.hints {
        let mut line = event("bench.hint", serde_json::to_value(hint).expect(plain));
        line.insert("message".to_owned(), Value::from(hint.kind.to_string()));
        json_lines::print(&line);
    }
    let mut line = event("bench.finished", serde_json::to_value(report).expect(plain));
    line.insert("status".to_owned(), Value::from("measured"));
    json_lines::print(&line);
}

fn print_text(report: &BenchReport) {
    let rows = report.steps.iter().map(step_row);
    let header = HEADER.map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    say!("{}", table(&rows, 1..HEADER.len()));
    if !report.hints.is_empty() {
        say!("hints:");
        for hint in &report.hints {
            say!("  {} {}", hint.step, hint.kind);
        }
        say!("");
    }
    let rate = report.rows_per_s.map_or(String::new(), |rate| format!(", {}/s", grouped(rate)));
    say!(
        "{}: {} rows read in {}{rate} (rounds: {}); nothing was published",
        report.pipeline,
        grouped(report.rows),
        time(report.elapsed_us.into()),
        report.rounds,
    );
    if let Some(refused) = &report.refused {
        eprintln!("note: a run would publish nothing either: {refused}");
    }
}

const HEADER: [&str; 13] = [
    "step",
    "in",
    "out",
    "quarantined",
    "rows/s",
    "MB/s",
    "calls",
    "fuel/row",
    "bytes in",
    "bytes out",
    "in calls",
    "around",
    "peak memory",
];

fn step_row(step: &StepFigures) -> Vec<String> {
    let known =
        |figure: Option<u64>, shown: fn(u64) -> String| figure.map_or("-".to_owned(), shown);
    vec![
        step.step.clone(),
        grouped(step.rows_in),
        grouped(step.rows_out),
        grouped(step.quarantined),
        known(step.rows_per_s, grouped),
        known(step.bytes_per_s, megabytes),
        known(step.calls, grouped),
        step.fuel_per_row.map_or("-".to_owned(), |fuel| format!("{fuel:.1}")),
        known(step.bytes_in, bytes),
        known(step.bytes_out, bytes),
        known(step.call_us, |micros| time(micros.into())),
        known(step.host_us, |micros| time(micros.into())),
        known(step.peak_memory, bytes),
    ]
}

/// `12.3`, in millions.
fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

/// `1.24 s`, or `0.35 ms`.
pub fn time(micros: u128) -> String {
    match micros {
        0..1_000_000 => format!("{:.2} ms", micros as f64 / 1e3),
        _ => format!("{:.2} s", micros as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        assert_eq!([0, 345, 1_500_000].map(time), ["0.00 ms", "0.34 ms", "1.50 s"]);
    }

    #[test]
    fn types_of_columns() {
        let parsed = column_type("a=b=decimal(12, 2)").unwrap();
        assert_eq!(parsed, ("a=b".to_owned(), "decimal(12, 2)".to_owned()));
        assert!(column_type("net").is_err());
        assert!(column_type("=int64").is_err());
    }

    #[test]
    fn configurations_are_objects() {
        assert_eq!(read_config(" {\"a\": 1}").unwrap()["a"], 1);
        assert_eq!(read_config("{\"a\": 1").unwrap_err().exit_code, 2);
        assert_eq!(read_config("no/such/file.json").unwrap_err().exit_code, 66);
    }
}
