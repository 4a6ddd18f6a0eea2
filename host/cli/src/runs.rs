//! `wasmill runs`: which runs there were, and the story of one.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;
use wasmill_ledger::{Ledger, Run, RunStatus};

use crate::failure::Failure;
use crate::ledger::{failed, find, is_locked, open};
use crate::table::{milliseconds, seconds, table, time};
use crate::timeline::{Line, line, story};
use crate::{LedgerArgs, Output, OutputArgs, follow, json_lines, outbox, summary};

#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Lists runs, newest first.
    List {
        /// Only those of one pipeline.
        #[arg(long, value_name = "NAME")]
        pipeline: Option<String>,
        /// Only those that are running, committing, succeeded, failed, refused, interrupted or aborted.
        #[arg(long, value_name = "STATUS", value_parser = status)]
        status: Option<RunStatus>,
        #[command(flatten)]
        ledger: LedgerArgs,
        #[command(flatten)]
        output: OutputArgs,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows one run, step by step, and what happened when.
    Show {
        /// The run's id or the beginning of it; the latest run where left out.
        run: Option<String>,
        /// Shows every entry of the run's history, also of splits that went well at once.
        #[arg(long)]
        timeline: bool,
        /// Shows entries of the run's history as they come, until the run ends; the exit code is then that of the run.
        #[arg(long, conflicts_with = "timeline")]
        follow: bool,
        #[command(flatten)]
        ledger: LedgerArgs,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// Runs one of the commands.
pub async fn runs(command: &RunsCommand) -> Result<ExitCode, Failure> {
    match command {
        RunsCommand::List { pipeline, status, ledger, output, limit } => {
            let ledger = open(ledger).await?;
            list(&ledger, pipeline.as_deref(), *status, output.output, *limit).await
        }
        RunsCommand::Show { run, timeline, follow, ledger, output } => {
            let ledger = open(ledger).await?;
            let run = find(&ledger, run.as_deref()).await?;
            if *follow {
                return follow::follow(&ledger, run, output.output).await;
            }
            show(&ledger, run, *timeline, output.output).await
        }
    }
}

fn status(name: &str) -> Result<RunStatus, String> {
    let known = RunStatus::ALL.into_iter().find(|status| status.name() == name);
    let names = || RunStatus::ALL.map(RunStatus::name).join(", ");
    known.ok_or_else(|| format!("a run is one of {}", names()))
}

/// Whether somebody works on a run that is not over.
pub async fn is_at_work(ledger: &Ledger, run: &Run) -> Result<bool, Failure> {
    if !matches!(run.status, RunStatus::Running | RunStatus::Committing) {
        return Ok(false);
    }
    is_locked(ledger, &run.id).await.map_err(|error| failed(&error))
}

async fn list(
    ledger: &Ledger,
    pipeline: Option<&str>,
    status: Option<RunStatus>,
    output: Output,
    limit: u32,
) -> Result<ExitCode, Failure> {
    // Those of one status are looked for among all.
    let looked_at = if status.is_some() { u32::MAX } else { limit };
    let mut runs = ledger.runs(pipeline, looked_at).await.map_err(|error| failed(&error))?;
    runs.retain(|run| status.is_none_or(|status| run.status == status));
    runs.truncate(limit as usize);
    let header = ["run", "pipeline", "kind", "status", "started (UTC)", "took"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for run in runs {
        let at_work = is_at_work(ledger, &run).await?;
        if output == Output::Json {
            let mut line = serde_json::to_value(&run).expect("a run is plain data");
            line["at_work"] = at_work.into();
            json_lines::print(&line);
            continue;
        }
        let took = run.ended_ms.and_then(|ended| u64::try_from(ended - run.started_ms).ok());
        let status = shown_status(&run, at_work);
        let kind = kind(&run);
        rows.push(vec![
            run.id,
            run.pipeline,
            kind,
            status,
            time(run.started_ms),
            took.map_or("-".to_owned(), seconds),
        ]);
    }
    if output == Output::Text {
        say!("{}", table(&rows, 5..6).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

/// `run`, or whose rows are put through again.
fn kind(run: &Run) -> String {
    match &run.replays {
        Some(of) => format!("{} of {of}", run.kind.name()),
        None => run.kind.name().to_owned(),
    }
}

fn shown_status(run: &Run, at_work: bool) -> String {
    let status = run.status.name();
    match run.status {
        // Its process is gone, without having said so.
        RunStatus::Running | RunStatus::Committing if !at_work => {
            format!("{status}, nobody at work")
        }
        _ => status.to_owned(),
    }
}

async fn show(
    ledger: &Ledger,
    run: Run,
    timeline: bool,
    output: Output,
) -> Result<ExitCode, Failure> {
    let failed = |error| failed(&error);
    let splits = ledger.splits(&run.id).await.map_err(failed)?;
    let events = ledger.outbox(&run.id).await.map_err(failed)?;
    let history = ledger.history(&run.id, 0).await.map_err(failed)?;
    let at_work = is_at_work(ledger, &run).await?;
    if output == Output::Json {
        let mut shown = json!({ "run": run, "splits": splits, "outbox": events });
        shown["at_work"] = at_work.into();
        shown["history"] = serde_json::to_value(&history).expect("a history is plain data");
        json_lines::print(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    say!("run       {}", run.id);
    say!("pipeline  {}", run.pipeline);
    if let Some(of) = &run.replays {
        say!("replays   rows that run {of} had held back");
    }
    say!("digest    {}", run.file_digest);
    say!("status    {}", shown_status(&run, at_work));
    say!("started   {} UTC", time(run.started_ms));
    if let Some(ended_ms) = run.ended_ms {
        say!("ended     {} UTC", time(ended_ms));
    }
    if let Some(error) = &run.error {
        say!("error     {error}");
    }
    let accepted = splits.iter().filter(|split| split.accepted).count();
    let attempts: i64 = splits.iter().map(|split| split.attempts).sum();
    say!("splits    {accepted} of {} accepted, {attempts} attempts", splits.len());
    if let Some(summary) = &run.summary {
        say!("\n{}", summary::shown(summary).trim_end());
    }
    let lines: Vec<Line> =
        if timeline { history.iter().map(line).collect() } else { story(&history, &events) };
    if !lines.is_empty() {
        say!("\ntimeline (UTC):");
    }
    for Line { at_ms, text } in lines {
        say!("  {}  {text}", milliseconds(at_ms));
    }
    for entry in events.iter().filter(|entry| timeline || entry.delivered_ms.is_none()) {
        say!("\n{}: {} {}", entry.notifier, outbox::kind(entry), outbox::state(entry));
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code that a run ended with, or would have.
pub fn exit_code(run: &Run) -> u8 {
    let problem = run.summary.as_ref().and_then(|summary| summary["problem"]["exit_code"].as_u64());
    match run.status {
        RunStatus::Succeeded => 0,
        RunStatus::Refused => problem.and_then(|code| u8::try_from(code).ok()).unwrap_or(65),
        RunStatus::Interrupted => 130,
        _ => problem.and_then(|code| u8::try_from(code).ok()).unwrap_or(70),
    }
}
