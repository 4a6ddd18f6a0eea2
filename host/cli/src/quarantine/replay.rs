//! `wasmill quarantine replay`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use wasmill_ledger::{Ledger, LedgerError, Run, RunStatus};
use wasmill_pipeline::CancellationToken;
use wasmill_pipeline::events::Observer;
use wasmill_pipeline::numbers::grouped;
use wasmill_pipeline::quarantine::replay::{ReplayOptions, Replayed, Selection};

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::ledger::failed;
use crate::progress::Progress;
use crate::quarantine::select::{RowArgs, TimeArgs};
use crate::run::{Opening, cancelled_by_signals, failure, report};
use crate::{Output, OutputArgs, check, json_lines};

pub const EXAMPLES: &str = "\
Examples:
    wasmill quarantine replay pipeline.toml --dry-run              what would be put through
    wasmill quarantine replay pipeline.toml 20261124-093000-1f2e3d --step rules --rule between
    wasmill quarantine replay pipeline.toml --since 2026-11-01     of all runs since then, one after another
    wasmill run pipeline.toml --resume 20261124-101500-4d5e6f      goes on with a replay that was stopped

Rows go on from the step that held them back, and are added to what their run has published. Rows that fail again are held back
again, as rows of the replay. A row is put through once: what a replay has taken is let go only by `wasmill abort`.";

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The pipeline file, with what was wrong mended.
    file: PathBuf,
    /// The run whose rows are put through: its id or the beginning of it; the latest run of the pipeline that has succeeded where
    /// left out.
    run: Option<String>,
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    rows: RowArgs,
    /// The id of the new run, instead of one that is made up.
    #[arg(long, value_name = "ID", conflicts_with_all = ["all", "since", "until"])]
    run_id: Option<String>,
    /// Only tells what would be put through, and whether it could be.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
    /// Shows debug lines of plugins too.
    #[arg(short, long)]
    verbose: bool,
}

/// Puts rows through again, run by run; the first one that does not succeed ends it.
pub async fn replay(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let result = replay_runs(args).await;
    if let (Err(failure), Output::Json) = (&result, args.output.output) {
        json_lines::print_failure("run.finished", &[77, 78], failure);
    }
    result
}

async fn replay_runs(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let cancel = cancelled_by_signals();
    for run in runs(args).await? {
        let code = replay_run(args, &run, &cancel).await?;
        if code != 0 || cancel.is_cancelled() {
            return Ok(ExitCode::from(code));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The runs that are meant, in the order in which they were started.
async fn runs(args: &ReplayArgs) -> Result<Vec<String>, Failure> {
    if let Some(run) = &args.run {
        return Ok(vec![run.clone()]);
    }
    let pipeline = check::read(&args.file)?;
    let (url, base) = pipeline.ledger();
    let ledger = Ledger::open(&url, base).await.map_err(|error| match error {
        LedgerError::Missing { .. } => {
            Failure::from_error(66, &error).hint("the first run of a pipeline creates its ledger")
        }
        error => failed(&error),
    })?;
    let name = pipeline.name();
    let has_succeeded = |run: &Run| run.status == RunStatus::Succeeded;
    if args.time.all || args.time.since.is_some() || args.time.until.is_some() {
        let mut runs = args.time.runs(&ledger, None, name).await?;
        // Of others nothing was published to which rows could be added.
        runs.retain(has_succeeded);
        return Ok(runs.into_iter().map(|run| run.id).collect());
    }
    let runs = ledger.runs(name, u32::MAX).await.map_err(|error| failed(&error))?;
    match runs.into_iter().find(has_succeeded) {
        Some(run) => Ok(vec![run.id]),
        None => Err(Failure::new(
            66,
            "no run of the pipeline has succeeded yet: there is nothing to add rows to",
        )),
    }
}

async fn replay_run(
    args: &ReplayArgs,
    run: &str,
    cancel: &CancellationToken,
) -> Result<u8, Failure> {
    let output = args.output.output;
    let progress = (output == Output::Text).then(|| Arc::new(Progress::new(args.verbose)));
    let observer: Arc<dyn Observer> = match &progress {
        Some(progress) => Arc::clone(progress) as _,
        None => Arc::new(json_lines::JsonLines),
    };
    let opening =
        Opening { file: &args.file, compiling: &args.compiling, run: None, cassettes: None };
    let result = async {
        let pipeline = opening.checked(observer, output, cancel).await?;
        let filter = args.rows.filter();
        let options = ReplayOptions { filter, run_id: args.run_id.clone(), dry_run: args.dry_run };
        pipeline.replay(run, options, cancel.clone()).await.map_err(|error| failure(&error))
    };
    let result = result.await;
    if let Some(progress) = &progress {
        progress.end();
    }
    match (result?, output) {
        (Replayed::Run(summary), output) => {
            if output == Output::Text {
                report(&summary);
            }
            Ok(summary.exit_code())
        }
        (Replayed::Nothing(selection), Output::Json) => {
            let mut line = serde_json::json!(selection);
            line["event"] = "quarantine.selected".into();
            json_lines::print(&line);
            Ok(0)
        }
        (Replayed::Nothing(selection), Output::Text) => {
            print_selection(&selection);
            Ok(0)
        }
    }
}

fn print_selection(selection: &Selection) {
    let run = &selection.run;
    match selection.rows() {
        0 => say!("run {run}: there is nothing left to put through"),
        rows => say!("run {run}: {} rows would be put through", grouped(rows)),
    }
    for (step, rows) in &selection.steps {
        say!("  {} of {step}", grouped(*rows));
    }
    if selection.put_through > 0 {
        say!("  {} were put through before", grouped(selection.put_through));
    }
    if selection.purged > 0 {
        say!("  {} are purged", grouped(selection.purged));
    }
    for (by, rows) in &selection.in_replay {
        say!(
            "  {} are in run {by}, which has not ended: `wasmill run FILE --resume {by}` goes on with it",
            grouped(*rows)
        );
    }
}
