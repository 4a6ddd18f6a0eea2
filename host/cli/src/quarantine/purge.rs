//! `wasmill quarantine purge`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::quarantine::purge::{PurgeError, Purged, purge as purge_run};

use crate::failure::Failure;
use crate::ledger::open;
use crate::quarantine::select::{RowArgs, RunsArgs};
use crate::{LedgerArgs, Output, OutputArgs, json_lines};

pub const EXAMPLES: &str = "\
Examples:
    wasmill quarantine purge --all --until 90d             what would be removed
    wasmill quarantine purge --all --until 90d --yes       removes it
    wasmill quarantine purge 20261124-093000-1f2e3d --step clean --rule bad-date --yes

Rows that are about to be put through again stay, and so do all rows of a run that can still be resumed.";

#[derive(Debug, Args)]
pub struct PurgeArgs {
    #[command(flatten)]
    runs: RunsArgs,
    #[command(flatten)]
    rows: RowArgs,
    /// Removes them; otherwise it is only told what would be removed.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Removes rows, run by run.
pub async fn purge(args: &PurgeArgs) -> Result<ExitCode, Failure> {
    let ledger = open(&args.ledger).await?;
    let filter = args.rows.filter();
    let runs = args.runs.runs(&ledger).await?;
    let is_one = runs.len() == 1;
    let mut rows = 0;
    for run in &runs {
        match purge_run(&ledger, run, &filter, args.yes).await {
            Ok(purged) => {
                rows += purged.rows();
                print(&purged, args);
            }
            // Others are ended.
            Err(error @ (PurgeError::Unfinished { .. } | PurgeError::Busy { .. })) if !is_one => {
                eprintln!("warning: rows of run {} stay: {error}", run.id);
            }
            Err(error) => {
                let failure = Failure::from_error(error.exit_code(), &error);
                return Err(match error.hint() {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                });
            }
        }
    }
    if args.output.output == Output::Text {
        match (rows, args.yes) {
            (0, _) => say!("there is nothing to remove"),
            (_, true) => {}
            (_, false) => say!("nothing was removed: --yes removes it"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(purged: &Purged, args: &PurgeArgs) {
    if args.output.output == Output::Json {
        let mut line = json!(purged);
        line["removed"] = json!(args.yes);
        json_lines::print(&line);
        return;
    }
    if purged.rows() > 0 {
        let verb = if args.yes { "removed" } else { "would be removed" };
        say!(
            "run {}: {} rows {verb}, {} files with them",
            purged.run,
            grouped(purged.rows()),
            grouped(purged.files)
        );
        for (step, rows) in &purged.steps {
            say!("  {} of {step}", grouped(*rows));
        }
        if purged.put_through > 0 {
            say!("  {} of them were put through before", grouped(purged.put_through));
        }
    }
    for (by, rows) in &purged.in_replay {
        say!(
            "run {}: {} rows stay, which run {by} is about to put through again",
            purged.run,
            grouped(*rows)
        );
    }
}
