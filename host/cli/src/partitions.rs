//! `wasmill plan`, `commit` and `abort`: a run that is divided among processes by somebody else's scheduler.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::json;
use wasmill_pipeline::CancellationToken;
use wasmill_pipeline::run::partition::PlanOptions;

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::run::{Opening, failure, finish};
use crate::table::table;
use crate::{Output, OutputArgs, json_lines};

pub const EXAMPLES: &str = "\
A run in four partitions, each of which may be another process, machine or task, in any order, and repeated:
    wasmill plan pipeline.toml --run-id nightly-7 --splits 40
    for i in 0 1 2 3; do wasmill run pipeline.toml --run-id nightly-7 --partition $i/4 & done; wait
    wasmill commit pipeline.toml --run-id nightly-7

All of them must see the same ledger, the same folder for what is staged, and the same targets.";

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The pipeline file.
    file: PathBuf,
    /// The id of the run: letters, digits, `.`, `_`, `-`, `:` and `+`. One is made up where it is left out. A run that is planned
    /// already stays as it is.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Into about how many splits each source is divided, instead of what the file says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    splits: Option<u32>,
    /// The level: 0 for the splits of sources; the next for those that read what these have staged, once all are accepted.
    /// What is not worked on in partitions is done by `wasmill commit`.
    #[arg(long, value_name = "L", default_value_t = 0)]
    level: usize,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

#[derive(Debug, Args)]
pub struct CommitArgs {
    /// The pipeline file.
    file: PathBuf,
    /// The run.
    #[arg(long, value_name = "ID")]
    run_id: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

#[derive(Debug, Args)]
pub struct AbortArgs {
    /// The pipeline file.
    file: PathBuf,
    /// The run.
    #[arg(long, value_name = "ID")]
    run_id: String,
    /// Gives up a run that has begun to publish, too: what it has published stays, and the rest is never published.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

/// Divides a run into splits and prints them.
pub async fn plan(args: &PlanArgs) -> Result<ExitCode, Failure> {
    let opening = opening(&args.file, args.run_id.as_deref(), &args.compiling);
    let pipeline = opening.checked(Arc::new(()), Output::Text, &CancellationToken::new()).await?;
    let options = PlanOptions { splits: args.splits, level: args.level };
    let splits = pipeline.plan(args.run_id.clone(), options).await;
    let splits = splits.map_err(|error| failure(&error))?;
    if args.output.output == Output::Json {
        splits.iter().for_each(json_lines::print);
        return Ok(ExitCode::SUCCESS);
    }
    let header = ["position", "phase", "split", "accepted", "what it reads"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for split in &splits {
        rows.push(vec![
            split.position.to_string(),
            split.phase.clone(),
            split.split.clone(),
            if split.accepted { "yes" } else { "-" }.to_owned(),
            split.descriptor.to_string(),
        ]);
    }
    match splits.first() {
        Some(first) => say!(
            "run {}: {} splits of level {} of {}",
            first.run,
            splits.len(),
            first.level,
            first.levels
        ),
        None => say!("there is nothing to read"),
    }
    say!("{}", table(&rows, 0..1).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// Publishes a run.
pub async fn commit(args: &CommitArgs) -> Result<ExitCode, Failure> {
    let opening = opening(&args.file, Some(&args.run_id), &args.compiling);
    finish(&opening, args.output.output, false, async |pipeline, cancel| {
        pipeline.commit(&args.run_id, cancel).await
    })
    .await
}

/// Gives a run up.
pub async fn abort(args: &AbortArgs) -> Result<ExitCode, Failure> {
    let opening = opening(&args.file, Some(&args.run_id), &args.compiling);
    let pipeline = opening.checked(Arc::new(()), Output::Text, &CancellationToken::new()).await?;
    let run = pipeline.abort(&args.run_id, args.force).await.map_err(|error| failure(&error))?;
    match args.output.output {
        Output::Json => json_lines::print(
            &json!({ "event": "run.aborted", "run": run.id, "status": run.status, "reason": run.error }),
        ),
        Output::Text => say!("run {} is given up, and what it had staged is removed", run.id),
    }
    Ok(ExitCode::SUCCESS)
}

fn opening<'a>(
    file: &'a std::path::Path,
    run: Option<&'a str>,
    compiling: &'a CompileArgs,
) -> Opening<'a> {
    Opening { file, compiling, run, cassettes: None }
}
