//! `wasmill quarantine list`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use wasmill_ledger::Run;
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::quarantine::held::{Fates, HeldRun, RowFilter};

use crate::failure::Failure;
use crate::ledger::open;
use crate::quarantine::select::{RowArgs, RunsArgs, held};
use crate::table::table;
use crate::{LedgerArgs, Output, OutputArgs, json_lines};

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    runs: RunsArgs,
    #[command(flatten)]
    rows: RowArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Counts the rows that runs held back.
pub async fn list(args: &ListArgs) -> Result<ExitCode, Failure> {
    let ledger = open(&args.ledger).await?;
    let filter = args.rows.filter();
    let mut is_first = true;
    for run in args.runs.runs(&ledger).await? {
        let held = held(&ledger, &run).await?;
        match args.output.output {
            Output::Json => print_lines(&run, &held, &filter),
            Output::Text => {
                if !std::mem::take(&mut is_first) {
                    say!("");
                }
                print_text(&run, &held, &filter);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each rule, then a line for each step.
fn print_lines(run: &Run, held: &HeldRun, filter: &RowFilter) {
    let print = |counts: serde_json::Value| {
        let mut line = json!({ "run": run.id, "replays": run.replays });
        if let (Some(line), serde_json::Value::Object(counts)) = (line.as_object_mut(), counts) {
            line.extend(counts);
        }
        json_lines::print(&line);
    };
    held.by_rule(filter).iter().for_each(|rule| print(json!(rule)));
    held.by_step(filter).iter().for_each(|step| print(json!(step)));
}

fn print_text(run: &Run, held: &HeldRun, filter: &RowFilter) {
    let replay = match &run.replays {
        Some(of) => format!(", which puts rows of run {of} through again"),
        None => String::new(),
    };
    let (rules, steps) = (held.by_rule(filter), held.by_step(filter));
    if steps.is_empty() {
        say!("run {} held back no rows{replay}", run.id);
        return;
    }
    say!("run {}{replay}", run.id);
    let has_lost = steps.iter().any(|step| step.fates.lost > 0);
    let header = |columns: &[&str]| -> Vec<String> {
        let fates = ["rows", "put through", "purged", "left"];
        let lost = has_lost.then_some("lost");
        columns.iter().copied().chain(fates).chain(lost).map(str::to_owned).collect()
    };
    let line = |columns: &[&str], fates: &Fates| -> Vec<String> {
        let counts = [fates.held, fates.put_through, fates.purged, fates.left];
        let lost = has_lost.then_some(fates.lost);
        let counts = counts.into_iter().chain(lost).map(grouped);
        columns.iter().map(|column| (*column).to_owned()).chain(counts).collect()
    };
    let mut lines = vec![header(&["step", "rule", "column"])];
    for rule in &rules {
        let columns = [&rule.step, &rule.rule, rule.column.as_deref().unwrap_or_default()];
        lines.push(line(&columns, &rule.fates));
    }
    say!("{}", table(&lines, 3..8).trim_end());
    say!("\nrows, each counted once:");
    let mut lines = vec![header(&["step"])];
    lines.extend(steps.iter().map(|step| line(&[&step.step], &step.fates)));
    say!("{}", table(&lines, 1..6).trim_end());
    let in_replay: u64 = steps.iter().map(|step| step.fates.in_replay).sum();
    if in_replay > 0 {
        say!("{} of those that are left are being put through again", grouped(in_replay));
    }
    if has_lost {
        say!(
            "lost rows were in files that somebody has removed, beside `wasmill quarantine purge`"
        );
    }
}
