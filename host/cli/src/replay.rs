//! `wasmill replay`.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use wasmill_pipeline::cassette::outcome::{FailedCall, Outcome};
use wasmill_pipeline::cassette::{
    CassetteError, Header, OtherReport, Replay, ReplayError, ReplayReport, ShrinkReport, Verdict,
};
use wasmill_pipeline::numbers::grouped;

use crate::bench::read_config;
use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::run::cancelled_by_signals;
use crate::{Output, OutputArgs, json_lines};

pub const EXAMPLES: &str = "\
Examples:
  wasmill run pipeline.toml --cassettes failed
  wasmill replay failed/RUN-clean-01.cassette
  wasmill replay failed/RUN-clean-01.cassette --shrink
  wasmill replay failed/RUN-clean-01.cassette --with plugins/clean.wasm

Exit codes:
    0  it failed as it was recorded; with --with or --config: the fault is mended
    2  the command line is wrong
   66  the cassette or the component does not exist
   70  it did not fail as it was recorded; with --with or --config: the fault is not mended
   74  reading or writing failed
   77  the other component wants more than the step was granted
   78  the cassette cannot be used, or a secret that it refers to is missing
  130  interrupted";

/// The most of a row that is shown to people, in characters.
const SHOWN_ROW: usize = 2_000;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The cassette, a file that `wasmill run --cassettes DIR` wrote.
    file: PathBuf,
    /// The component that was recorded, if it is not beside the cassette.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Gives the same input to another component too, and says whether it mends the fault.
    #[arg(long, value_name = "OTHER.wasm")]
    with: Option<PathBuf>,
    /// Gives the same input to the component (that of --with, if there is one) under another configuration too: a JSON
    /// object or the path of a file that holds one.
    #[arg(long, value_name = "JSON|FILE")]
    config: Option<String>,
    /// Finds the smallest input that still fails in the same way, and writes it beside the cassette as
    /// NAME.min.cassette.
    #[arg(long)]
    shrink: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

/// Replays a cassette.
pub async fn replay(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let cancel = cancelled_by_signals();
    let result = tokio::select! {
        result = work(args) => result,
        () = cancel.cancelled() => Err(Failure::new(130, "interrupted")),
    };
    if let (Err(failure), Output::Json) = (&result, args.output.output) {
        json_lines::print_failure("replay.finished", &[2, 66, 77, 78], failure);
    }
    result
}

async fn work(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let config = args.config.as_deref().map(read_config).transpose()?;
    let replay = Replay::open(&args.file).map_err(failed)?;
    let replay = replay.component(args.component.clone()).compiled_by(args.compiling.compiler());
    let report = replay.run().await.map_err(failed)?;
    if args.output.output == Output::Text {
        print_report(replay.header(), &report);
    }
    let other = if args.with.is_some() || config.is_some() {
        let other = replay.run_with(args.with.as_deref(), config.as_ref()).await.map_err(failed)?;
        if args.output.output == Output::Text {
            print_other(&other);
        }
        Some(other)
    } else {
        None
    };
    let shrunk = if args.shrink {
        let shrunk = replay.shrink().await.map_err(failed)?;
        if args.output.output == Output::Text {
            print_shrunk(&shrunk);
        }
        Some(shrunk)
    } else {
        None
    };
    if args.output.output == Output::Json {
        print_json(replay.header(), &report, other.as_ref(), shrunk.as_ref());
    }
    let is_good = match &other {
        Some(other) => other.verdict == Verdict::Mended,
        None => report.reproduced,
    };
    Ok(ExitCode::from(if is_good { 0 } else { 70 }))
}

fn failed(error: ReplayError) -> Failure {
    let missing = |source: &std::io::Error| source.kind() == ErrorKind::NotFound;
    let exit_code = match &error {
        ReplayError::Cassette(CassetteError::Io { source, .. })
        | ReplayError::Component { source, .. } => {
            if missing(source) {
                66
            } else {
                74
            }
        }
        ReplayError::Link {
            source: wasmill_sandbox::component::LinkError::NotGranted(_), ..
        } => 77,
        ReplayError::Cassette(_)
        | ReplayError::OtherComponent { .. }
        | ReplayError::Load { .. }
        | ReplayError::Link { .. }
        | ReplayError::Secret { .. }
        | ReplayError::NothingToShrink(_) => 78,
        ReplayError::Sandbox(_) | ReplayError::Rows(_) => 70,
    };
    let failure = Failure::from_error(exit_code, &error);
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn print_json(
    header: &Header,
    report: &ReplayReport,
    other: Option<&OtherReport>,
    shrunk: Option<&ShrinkReport>,
) {
    let mut value = json!({
        "event": "replay.finished",
        "status": if report.reproduced { "reproduced" } else { "different" },
        "pipeline": header.pipeline,
        "step": header.step,
        "kind": header.kind,
        "component": header.component,
        "run": header.run,
        "split": header.split,
        "seen": header.seen,
        "recorded": header.outcome,
        "replayed": report.outcome,
        "explanation": report.explanation,
        "stack": report.stack,
        "differences": report.differences,
        "warnings": report.warnings,
        "calls_before": report.calls_before,
        "rows": report.rows,
        "shown": report.shown,
    });
    for (name, report) in
        [("with", other.map(serde_json::to_value)), ("shrunk", shrunk.map(serde_json::to_value))]
    {
        value[name] = report.transpose().expect("a report is plain data").unwrap_or(Value::Null);
    }
    json_lines::print(&value);
}

fn print_report(header: &Header, report: &ReplayReport) {
    let Header { kind, step, pipeline, run, split, .. } = header;
    say!("{kind} `{step}` of the pipeline `{pipeline}`, run {run}, split {split}");
    for warning in &report.warnings {
        say!("warning: {warning}");
    }
    match &report.outcome.failed {
        Some(failed) => print_failed(report, failed),
        None => say!("\nall calls went well"),
    }
    print_rows(report);
    say!("");
    if report.reproduced {
        let fuel = match &report.outcome.failed {
            Some(failed) if failed.fuel > 0 => {
                format!(", after {} units of fuel", grouped(failed.fuel))
            }
            _ => String::new(),
        };
        say!("reproduced: as recorded{fuel}");
    } else {
        say!("not reproduced:");
        for difference in &report.differences {
            say!("  {difference}");
        }
    }
}

fn print_failed(report: &ReplayReport, failed: &FailedCall) {
    say!("\n{}", report.explanation.as_deref().unwrap_or(&failed.message));
    if !report.stack.is_empty() {
        say!("\nstack, innermost first:");
        for frame in &report.stack {
            say!("  {frame}");
        }
    }
    if !failed.log.is_empty() {
        say!("\nlast log lines:");
        for line in &failed.log {
            say!("  {line}");
        }
    }
}

fn print_rows(report: &ReplayReport) {
    if report.calls_before > 0 {
        let calls = grouped(report.calls_before as u64);
        say!("\ncalls before, that went well: {calls}");
    }
    if report.shown.is_empty() {
        return;
    }
    let rows = grouped(report.rows as u64);
    if report.rows == 1 {
        say!("\nthe row:");
    } else if report.shown.iter().any(|row| row.blamed.is_some()) {
        say!("\nof {rows} rows in the call, these fail by themselves:");
    } else {
        say!("\nno row is known to fail by itself; the first of {rows} in the call:");
    }
    for row in &report.shown {
        let place = match row.position {
            Some(position) => format!("position {position} in the split"),
            None => format!("row {} of the call", row.row),
        };
        say!("  {place}: {}", shortened(&row.values.to_string()));
        if let (Some(message), true) = (&row.blamed, report.rows > 1) {
            say!("    {message}");
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN_ROW) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn print_other(other: &OtherReport) {
    let verdict = match other.verdict {
        Verdict::Mended => "mended: all calls go well".to_owned(),
        Verdict::Same => format!("not mended: {}", in_words(&other.outcome)),
        Verdict::Other => format!("fails otherwise: {}", in_words(&other.outcome)),
        Verdict::Unknown => format!(
            "not known: {}",
            other.outcome.http.as_deref().unwrap_or("it asks for something that was not recorded")
        ),
    };
    say!("\nwith {}\n{verdict}", other.component);
}

fn in_words(outcome: &Outcome) -> String {
    match &outcome.failed {
        Some(failed) => format!("{}: {}", failed.kind.name(), failed.message),
        None => outcome.in_words(),
    }
}

fn print_shrunk(shrunk: &ShrinkReport) {
    let ShrinkReport { file, calls, rows, values, trials, is_smallest } = shrunk;
    let sizes = |rows: usize, calls: usize| {
        format!("{} in {}", counted(rows as u64, "row"), counted(calls as u64, "call"))
    };
    say!(
        "\nshrunk from {} to {}, {} made simpler, in {}{}",
        sizes(rows.before, calls.before),
        sizes(rows.after, calls.after),
        counted(*values, "value"),
        counted(*trials, "trial"),
        if *is_smallest { "" } else { "; not everything was tried" },
    );
    say!("wasmill replay {}", file.display());
}

/// Such as `1 row`, `1,000 rows`.
fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}
