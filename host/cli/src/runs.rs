//! `wasmill runs`.

use std::process::ExitCode;

use serde_json::json;

use crate::failure::Failure;
use crate::ledger::{failed, find, open};
use crate::table::{seconds, table, time};
use crate::{LedgerArgs, Output, json_lines, summary};

/// Lists runs, newest first.
pub async fn list(args: &LedgerArgs, output: Output, limit: u32) -> Result<ExitCode, Failure> {
    let ledger = open(args).await?;
    let runs = ledger.runs(None, limit).await.map_err(|error| failed(&error))?;
    if output == Output::Json {
        runs.iter().for_each(json_lines::print);
        return Ok(ExitCode::SUCCESS);
    }
    let header = ["run", "pipeline", "status", "started (UTC)", "took"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for run in runs {
        let took = run.ended_ms.and_then(|ended| u64::try_from(ended - run.started_ms).ok());
        rows.push(vec![
            run.id,
            run.pipeline,
            run.status.name().to_owned(),
            time(run.started_ms),
            took.map_or("-".to_owned(), seconds),
        ]);
    }
    say!("{}", table(&rows, 4..5).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Shows one run.
pub async fn show(
    run: Option<&str>,
    args: &LedgerArgs,
    output: Output,
) -> Result<ExitCode, Failure> {
    let ledger = open(args).await?;
    let run = find(&ledger, run).await?;
    let splits = ledger.splits(&run.id).await.map_err(|error| failed(&error))?;
    let outbox = ledger.outbox(&run.id).await.map_err(|error| failed(&error))?;
    if output == Output::Json {
        json_lines::print(&json!({ "run": run, "splits": splits, "outbox": outbox }));
        return Ok(ExitCode::SUCCESS);
    }
    say!("run       {}", run.id);
    say!("pipeline  {}", run.pipeline);
    if let Some(of) = &run.replays {
        say!("replays   rows that run {of} had held back");
    }
    say!("digest    {}", run.file_digest);
    say!("status    {}", run.status.name());
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
    for entry in outbox {
        let kind = entry.event["kind"].as_str().unwrap_or_default();
        match (entry.delivered_ms, entry.last_error) {
            (Some(at), _) => say!("\n{}: {kind} delivered at {} UTC", entry.notifier, time(at)),
            (None, Some(error)) => say!("\n{}: {kind} not delivered: {error}", entry.notifier),
            (None, None) => say!("\n{}: {kind} waits for delivery", entry.notifier),
        }
    }
    Ok(ExitCode::SUCCESS)
}
