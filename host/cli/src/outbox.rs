//! `wasmill outbox`: events that wait for their notifiers, and delivering them without a run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use wasmill_ledger::{LedgerError, OutboxEntry};
use wasmill_pipeline::Delivery;

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::ledger::{failed, find, open};
use crate::run::cancelled_by_signals;
use crate::table::{counted, table, time};
use crate::{LedgerArgs, Output, OutputArgs, check, findings, json_lines};

/// What `outbox deliver` ends with when events still wait.
const STILL_WAITING: u8 = 75;

#[derive(Debug, Subcommand)]
pub enum OutboxCommand {
    /// Lists the events that wait for delivery, oldest run first, and why they do.
    List {
        /// Only those of one run: its id or the beginning of it.
        #[arg(long)]
        run: Option<String>,
        /// Only those for one notifier.
        #[arg(long)]
        notifier: Option<String>,
        /// Those that were delivered too.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        ledger: LedgerArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Delivers what waits, with the notifiers of a pipeline file, without running the pipeline. Exit code 75 where events
    /// still wait afterwards.
    Deliver {
        /// The pipeline file.
        #[arg(default_value = "pipeline.toml")]
        file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        compiling: CompileArgs,
    },
}

/// Runs one of the commands.
pub async fn outbox(command: &OutboxCommand) -> Result<ExitCode, Failure> {
    match command {
        OutboxCommand::List { run, notifier, all, ledger, output } => {
            let wanted = Wanted { run: run.as_deref(), notifier: notifier.as_deref(), all: *all };
            list(&wanted, ledger, output.output).await
        }
        OutboxCommand::Deliver { file, output, compiling } => {
            deliver(file, output.output, compiling).await
        }
    }
}

/// Which events are meant.
struct Wanted<'a> {
    run: Option<&'a str>,
    notifier: Option<&'a str>,
    /// Delivered ones too.
    all: bool,
}

async fn list(wanted: &Wanted<'_>, args: &LedgerArgs, output: Output) -> Result<ExitCode, Failure> {
    let ledger = open(args).await?;
    let mut entries = match wanted.run {
        Some(run) => ledger.outbox(&find(&ledger, Some(run)).await?.id).await,
        None if wanted.all => ledger.events().await,
        None => ledger.undelivered(None).await,
    }
    .map_err(|error| failed(&error))?;
    entries.retain(|entry| {
        (wanted.all || entry.delivered_ms.is_none())
            && wanted.notifier.is_none_or(|notifier| entry.notifier == notifier)
    });
    if output == Output::Json {
        entries.iter().for_each(json_lines::print);
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        say!("{}", if wanted.all { "there are no events" } else { "no event waits for delivery" });
        return Ok(ExitCode::SUCCESS);
    }
    let header = ["run", "notifier", "event", "attempts", "state"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for entry in entries {
        let state = state(&entry);
        let kind = kind(&entry).to_owned();
        rows.push(vec![entry.run, entry.notifier, kind, entry.attempts.to_string(), state]);
    }
    say!("{}", table(&rows, 3..4).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// What the event is about, such as `run.failed`.
pub fn kind(entry: &OutboxEntry) -> &str {
    entry.event["kind"].as_str().unwrap_or_default()
}

/// Whether it was delivered, or why not yet.
pub fn state(entry: &OutboxEntry) -> String {
    match (entry.delivered_ms, &entry.last_error) {
        (Some(at), _) => format!("delivered at {} UTC", time(at)),
        (None, Some(error)) => format!("waits: {error}"),
        (None, None) => "waits".to_owned(),
    }
}

async fn deliver(
    file: &Path,
    output: Output,
    compiling: &CompileArgs,
) -> Result<ExitCode, Failure> {
    let pipeline = check::read(file)?.compiled_by(compiling.compiler());
    let checked = pipeline.check().await.map_err(|failed| {
        findings::print(&failed.0, output);
        let counted = findings::counted(&failed.0);
        Failure::new(failed.exit_code(), format!("{}: {counted}", file.display()))
    })?;
    let cancel = cancelled_by_signals();
    let left = checked.deliver_outbox(&cancel, |delivery| print(delivery, output)).await;
    let left = left.map_err(|error| match error {
        LedgerError::Missing { .. } => Failure::from_error(66, &error)
            .hint("no run of the pipeline has begun yet, so nothing can wait"),
        error => failed(&error),
    })?;
    if cancel.is_cancelled() {
        return Err(Failure::new(
            130,
            format!("interrupted: {} not delivered", counted(left, "event")),
        ));
    }
    match left {
        0 => {
            if output == Output::Text {
                say!("no event waits any more");
            }
            Ok(ExitCode::SUCCESS)
        }
        left => Err(Failure::new(
            STILL_WAITING,
            format!("{} still not delivered", counted(left, "event")),
        )
        .hint("each run of the pipeline tries again, and so does this command")),
    }
}

fn print(delivery: &Delivery, output: Output) {
    let Delivery { entry, result } = delivery;
    let error = result.as_ref().err().map(ToString::to_string);
    match output {
        Output::Json => json_lines::print(&serde_json::json!({
            "event": "outbox.delivery",
            "run": entry.run,
            "notifier": entry.notifier,
            "kind": kind(entry),
            "dedup_key": entry.dedup_key,
            "error": error,
        })),
        Output::Text => {
            let result = error.map_or("delivered".to_owned(), |error| format!("waits: {error}"));
            say!("{} of run {}, for {}: {result}", kind(entry), entry.run, entry.notifier);
        }
    }
}
