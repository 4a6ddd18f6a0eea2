//! `wasmill quarantine show`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use wasmill_pipeline::quarantine::file::{QuarantinedRow, read_quarantine};
use wasmill_pipeline::quarantine::held::{HeldError, RowState};

use crate::failure::Failure;
use crate::ledger::open;
use crate::quarantine::select::{RowArgs, RunsArgs, held, unread};
use crate::{LedgerArgs, Output, OutputArgs, json_lines};

#[derive(Debug, Args)]
pub struct ShowArgs {
    #[command(flatten)]
    runs: RunsArgs,
    #[command(flatten)]
    rows: RowArgs,
    /// How many rows at most.
    #[arg(long, default_value_t = 20)]
    limit: usize,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Shows the rows that runs held back.
pub async fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let ledger = open(&args.ledger).await?;
    let (filter, output) = (args.rows.filter(), args.output.output);
    let runs = args.runs.runs(&ledger).await?;
    let mut shown = 0;
    for run in &runs {
        let held = held(&ledger, run).await?;
        for file in held.files.iter().filter(|file| filter.of_step(&file.step)) {
            let states: BTreeMap<u64, &RowState> = held
                .rows(&filter)
                .filter(|(of, row)| of.file == file.file && row.is_there && !row.is_purged)
                .filter_map(|(_, row)| Some((u64::try_from(row.index).ok()?, &row.state)))
                .collect();
            if states.is_empty() {
                continue;
            }
            let rows =
                read_quarantine(&file.path()).map_err(|error| unread(&HeldError::File(error)))?;
            for row in rows {
                let Some(state) = states.get(&row.index) else { continue };
                if shown == args.limit {
                    if output == Output::Text {
                        say!("… more; raise --limit");
                    }
                    return Ok(ExitCode::SUCCESS);
                }
                shown += 1;
                match output {
                    Output::Json => {
                        let mut line = json!(row);
                        line["run"] = json!(run.id);
                        line["fate"] = json!(state);
                        json_lines::print(&line);
                    }
                    Output::Text => print_row(&row, state),
                }
            }
        }
    }
    if shown == 0 && output == Output::Text {
        match &runs[..] {
            [run] => say!("run {} held back no such rows", run.id),
            _ => say!("no run held back such rows"),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_row(row: &QuarantinedRow, state: &RowState) {
    let place = match (&row.place, row.position) {
        (Some(place), _) => place.clone(),
        (None, Some(position)) => format!("split {} row {position}", row.split),
        (None, None) => format!("split {}", row.split),
    };
    let fate = match state {
        RowState::PutThrough { by } => format!("  put through again by run {by}\n"),
        RowState::InReplay { by } => format!("  run {by} is about to put it through again\n"),
        RowState::Left | RowState::Purged => String::new(),
    };
    if let Some(fault) = &row.fault {
        say!("{}\n{fate}  {}\n", fault.explanation, row.row);
        return;
    }
    say!("{}: {place}", row.step);
    for reason in &row.reasons {
        let column = reason.column.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        say!("  {}{column}: {}", reason.rule, reason.message);
    }
    say!("{fate}  {}", row.row);
}
