//! `wasmill quarantine`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::{QuarantinedRow, read_quarantine};

use crate::failure::Failure;
use crate::ledger::{failed, find, open};
use crate::table::table;
use crate::{LedgerArgs, Output, json_lines};

/// Which rows are shown.
pub struct Filter {
    pub step: Option<String>,
    pub rule: Option<String>,
    pub limit: usize,
}

/// Counts the rows that a run held back.
pub async fn list(
    run: Option<&str>,
    args: &LedgerArgs,
    output: Output,
) -> Result<ExitCode, Failure> {
    let ledger = open(args).await?;
    let run = find(&ledger, run).await?;
    let entries = ledger.quarantine(&run.id).await.map_err(|error| failed(&error))?;
    let mut counts: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for entry in entries {
        let key = (entry.step, entry.rule, entry.column.unwrap_or_default());
        *counts.entry(key).or_default() += u64::try_from(entry.rows).unwrap_or_default();
    }
    if output == Output::Json {
        for ((step, rule, column), rows) in &counts {
            let column = (!column.is_empty()).then_some(column);
            json_lines::print(
                &json!({ "run": run.id, "step": step, "rule": rule, "column": column, "rows": rows }),
            );
        }
        return Ok(ExitCode::SUCCESS);
    }
    if counts.is_empty() {
        say!("run {} held back no rows", run.id);
        return Ok(ExitCode::SUCCESS);
    }
    say!("run {}", run.id);
    let mut rows = vec![["step", "rule", "column", "rows"].map(str::to_owned).to_vec()];
    for ((step, rule, column), count) in counts {
        rows.push(vec![step, rule, column, grouped(count)]);
    }
    say!("{}", table(&rows, 3..4).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Shows the rows that a run held back.
pub async fn show(
    run: Option<&str>,
    filter: &Filter,
    args: &LedgerArgs,
    output: Output,
) -> Result<ExitCode, Failure> {
    let ledger = open(args).await?;
    let run = find(&ledger, run).await?;
    let entries = ledger.quarantine(&run.id).await.map_err(|error| failed(&error))?;
    let matches =
        |filter: &Option<String>, value: &str| filter.as_ref().is_none_or(|wanted| wanted == value);
    let wanted = entries
        .iter()
        .filter(|entry| matches(&filter.step, &entry.step) && matches(&filter.rule, &entry.rule));
    let files: BTreeSet<&str> = wanted.map(|entry| entry.file.as_str()).collect();
    let mut shown = 0;
    for file in files {
        let rows =
            read_quarantine(Path::new(file)).map_err(|error| Failure::from_error(74, &error))?;
        let rows = rows
            .into_iter()
            .filter(|row| row.reasons.iter().any(|reason| matches(&filter.rule, &reason.rule)));
        for row in rows {
            if shown == filter.limit {
                if output == Output::Text {
                    say!("… more; raise --limit");
                }
                return Ok(ExitCode::SUCCESS);
            }
            shown += 1;
            match output {
                Output::Json => json_lines::print(&row),
                Output::Text => print_row(&row),
            }
        }
    }
    if shown == 0 && output == Output::Text {
        say!("run {} held back no such rows", run.id);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_row(row: &QuarantinedRow) {
    let place = match (&row.place, row.position) {
        (Some(place), _) => place.clone(),
        (None, Some(position)) => format!("split {} row {position}", row.split),
        (None, None) => format!("split {}", row.split),
    };
    if let Some(fault) = &row.fault {
        say!("{}\n  {}\n", fault.explanation, row.row);
        return;
    }
    say!("{}: {place}", row.step);
    for reason in &row.reasons {
        let column = reason.column.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        say!("  {}{column}: {}", reason.rule, reason.message);
    }
    say!("  {}", row.row);
}
