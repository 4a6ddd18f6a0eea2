//! `wasmill quarantine export`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::quarantine::export::{ExportFormat, export as export_runs};

use crate::failure::Failure;
use crate::ledger::open;
use crate::quarantine::select::{RowArgs, RunsArgs, unread};
use crate::{LedgerArgs, Output, OutputArgs, json_lines};

pub const EXAMPLES: &str = "\
Examples:
    wasmill quarantine export --to held                            a file for each step, JSON lines
    wasmill quarantine export --step clean --to held --format csv

Rows come whole, as the step saw them, with `_run`, `_split`, `_position` and `_rules`. Records that never became rows are
written as they were found, one a line, to STEP.raw. Rows that were put through again are left out.";

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    runs: RunsArgs,
    #[command(flatten)]
    rows: RowArgs,
    /// The folder; created where there is none. Files that are there are not written over.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The format of the files.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
    Parquet,
    Arrow,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Csv => Self::Csv,
            Format::Parquet => Self::Parquet,
            Format::Arrow => Self::Arrow,
        }
    }
}

/// Writes rows to files.
pub async fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let ledger = open(&args.ledger).await?;
    let runs = args.runs.runs(&ledger).await?;
    let runs: Vec<String> = runs.into_iter().map(|run| run.id).collect();
    let filter = args.rows.filter();
    let written = export_runs(&ledger, &runs, &filter, &args.to, args.format.into());
    let written = written.await.map_err(|error| unread(&error))?;
    match args.output.output {
        Output::Json => written.iter().for_each(json_lines::print),
        Output::Text => {
            if written.is_empty() {
                say!("there are no such rows left");
            }
            for file in &written {
                say!("{}: {} rows", file.file.display(), grouped(file.rows));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
