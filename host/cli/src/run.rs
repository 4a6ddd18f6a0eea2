//! `wasmill run`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use wasmill_ledger::LedgerError;
use wasmill_pipeline::events::Observer;
use wasmill_pipeline::run::open::RunError;
use wasmill_pipeline::run::partition::Partition;
use wasmill_pipeline::run::resume::Changes;
use wasmill_pipeline::{CancellationToken, CheckFailed, CheckedPipeline, RunSummary};

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::metrics_file::MetricsFile;
use crate::progress::Progress;
use crate::table::seconds;
use crate::{Output, OutputArgs, check, findings, json_lines, summary};

pub const EXAMPLES: &str = "\
Examples:
    wasmill run pipeline.toml
    wasmill run pipeline.toml --resume 20261124-093000-1f2e3d      what is missing is done, the rest is kept
    wasmill run pipeline.toml --run-id nightly-7 --partition 2/8   one share of a run that `wasmill plan` has divided";

/// Which run, and how much of it.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The pipeline file.
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
    /// Shows debug lines of plugins too.
    #[arg(short, long)]
    verbose: bool,
    /// The id of the new run, instead of one that is made up; with --partition, of the run that was planned.
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Goes on with a run that was stopped, or has failed: does what is missing, and keeps the rest. A run that was stopped while
    /// it published is finished.
    #[arg(long, value_name = "RUN", conflicts_with = "run_id")]
    resume: Option<String>,
    /// Goes on although the pipeline file, plugins or inputs have changed: whatever depends on them is done again.
    #[arg(long, requires = "resume")]
    accept_changes: bool,
    /// Works only on one share of the splits that `wasmill plan` has made, I from 0 to N-1, and publishes nothing: prints a line of
    /// JSON for each split.
    #[arg(long, value_name = "I/N", value_parser = share, requires = "run_id")]
    partition: Option<Share>,
    /// The level of the splits, for --partition: 0 for those of sources.
    #[arg(long, value_name = "L", default_value_t = 0, requires = "partition")]
    level: usize,
    /// Keeps batches that make a plugin fail in this folder, to be looked at with `wasmill replay`. They hold rows as
    /// they are, and no secrets of the pipeline file.
    #[arg(long, value_name = "DIR")]
    cassettes: Option<PathBuf>,
    /// Writes metrics to FILE when the run has ended, as Prometheus reads them: `.prom`, for node_exporter.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

/// Share I of N.
#[derive(Debug, Clone, Copy)]
struct Share {
    index: usize,
    of: usize,
}

fn share(text: &str) -> Result<Share, String> {
    let parsed = text
        .split_once('/')
        .and_then(|(index, of)| Some(Share { index: index.parse().ok()?, of: of.parse().ok()? }));
    match parsed {
        Some(share) if share.index < share.of => Ok(share),
        _ => Err("it is written I/N, such as 0/4, with I from 0 to N-1".to_owned()),
    }
}

/// Runs a pipeline, or a part of it.
pub async fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let output = args.output.output;
    let metrics = args.metrics.as_deref().map(MetricsFile::begin).transpose();
    let metrics = metrics.inspect_err(|failure| {
        if output == Output::Json {
            json_lines::print_failure("run.finished", &[77, 78], failure);
        }
    })?;
    let result = match args.partition {
        Some(share) => work_on_share(args, share).await,
        None => shown(args, output).await,
    };
    // What a run published stays published: that its metrics are missing does not change how it ended.
    if let Some(Err(error)) = metrics.map(MetricsFile::write) {
        eprintln!("warning: the metrics were not written: {error}");
    }
    result
}

/// Runs a pipeline and shows how it goes.
async fn shown(args: &RunArgs, output: Output) -> Result<ExitCode, Failure> {
    let work = async |pipeline: CheckedPipeline, cancel| match &args.resume {
        Some(run) => pipeline.resume(run, changes(args), cancel).await,
        None => pipeline.run_as(args.run_id.clone(), cancel).await,
    };
    let opening = Opening {
        file: &args.file,
        compiling: &args.compiling,
        run: args.resume.as_deref(),
        cassettes: args.cassettes.as_deref(),
    };
    finish(&opening, output, args.verbose, work).await
}

fn changes(args: &RunArgs) -> Changes {
    if args.accept_changes { Changes::Accept } else { Changes::Refuse }
}

/// What pipeline is opened, and for which run.
pub struct Opening<'a> {
    pub file: &'a Path,
    pub compiling: &'a CompileArgs,
    /// A run that exists.
    pub run: Option<&'a str>,
    /// Where batches that make a plugin fail are kept.
    pub cassettes: Option<&'a Path>,
}

/// Brings a run to its end, and shows how it goes.
pub async fn finish(
    opening: &Opening<'_>,
    output: Output,
    verbose: bool,
    work: impl AsyncFnOnce(CheckedPipeline, CancellationToken) -> Result<RunSummary, RunError>,
) -> Result<ExitCode, Failure> {
    let progress = (output == Output::Text).then(|| Arc::new(Progress::new(verbose)));
    let observer: Arc<dyn Observer> = match &progress {
        Some(progress) => Arc::clone(progress) as _,
        None => Arc::new(json_lines::JsonLines),
    };
    let cancel = cancelled_by_signals();
    let result = async {
        let pipeline = opening.checked(observer, output, &cancel).await?;
        work(pipeline, cancel).await.map_err(|error| failure(&error))
    };
    let result = result.await;
    if let Some(progress) = &progress {
        progress.end();
    }
    match &result {
        Ok(summary) if output == Output::Text => report(summary),
        Err(failure) if output == Output::Json => {
            json_lines::print_failure("run.finished", &[77, 78], failure);
        }
        _ => {}
    }
    Ok(ExitCode::from(result?.exit_code()))
}

impl Opening<'_> {
    /// Reads and checks the pipeline, with the time of the run that is meant.
    pub async fn checked(
        &self,
        observer: Arc<dyn Observer>,
        output: Output,
        cancel: &CancellationToken,
    ) -> Result<CheckedPipeline, Failure> {
        let pipeline = check::read(self.file)?.compiled_by(self.compiling.compiler());
        let mut pipeline = pipeline.observed_by(observer);
        if let Some(folder) = self.cassettes {
            pipeline = pipeline.cassettes_in(folder);
        }
        if let Some(run) = self.run {
            pipeline = pipeline.going_on_with(run).await.map_err(|error| failure(&error))?;
        }
        let checked = tokio::select! {
            checked = pipeline.check() => checked,
            () = cancel.cancelled() => {
                return Err(Failure::new(130, "interrupted while checking: nothing was started"));
            }
        };
        let checked = checked.map_err(|failed| invalid(self.file, &failed, output))?;
        findings::print(checked.warnings(), output);
        Ok(checked)
    }
}

/// A run that could not be worked on.
pub fn failure(error: &RunError) -> Failure {
    let failure = match error {
        RunError::Ledger(error @ LedgerError::Missing { .. }) => {
            return Failure::from_error(66, error)
                .hint("the first run of a pipeline creates its ledger");
        }
        error => Failure::from_error(error.exit_code(), error),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Works on one share of a planned run: one line for each split, and no others, on standard output.
async fn work_on_share(args: &RunArgs, share: Share) -> Result<ExitCode, Failure> {
    let run = args.run_id.as_deref().expect("the command line asks for it");
    let opening = Opening {
        file: &args.file,
        compiling: &args.compiling,
        run: Some(run),
        cassettes: args.cassettes.as_deref(),
    };
    let progress = Arc::new(Progress::new(args.verbose));
    let cancel = cancelled_by_signals();
    let observer = Arc::clone(&progress) as _;
    let result = async {
        let pipeline = opening.checked(observer, Output::Text, &cancel).await?;
        let partition = Partition { index: share.index, of: share.of, level: args.level };
        pipeline.work_on_partition(run, partition, cancel).await.map_err(|error| failure(&error))
    };
    let result = result.await;
    progress.end();
    let report = result?;
    report.manifests.iter().for_each(json_lines::print);
    match report.failure {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => {
            let failure = Failure::from_error(error.exit_code(), &error);
            Err(match error.hint(run) {
                Some(hint) => failure.hint(hint),
                None => failure,
            })
        }
    }
}

fn invalid(file: &Path, failed: &CheckFailed, output: Output) -> Failure {
    findings::print(&failed.0, output);
    let counted = findings::counted(&failed.0);
    Failure::new(failed.exit_code(), format!("{} cannot run: {counted}", file.display()))
}

/// The first interruption ends the run in order: what is being worked on is finished. The second ends it at once.
#[expect(clippy::exit, reason = "whoever interrupts twice wants no more order")]
pub fn cancelled_by_signals() -> CancellationToken {
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            if signal().await.is_err() {
                return;
            }
            if token.is_cancelled() {
                std::process::exit(130);
            }
            eprintln!(
                "finishing what is being worked on, then stopping; once more to stop at once"
            );
            token.cancel();
        }
    });
    cancel
}

async fn signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Shows what a run did, and how it ended.
pub fn report(summary: &RunSummary) {
    let value = serde_json::to_value(summary).expect("a summary is plain data");
    say!("{}", summary::shown(&value));
    let status = summary.status.name();
    if let Some(resumed) = &summary.resumed {
        let kept = format!("kept {} of {} planned splits", resumed.kept, resumed.planned);
        say!("resumed: {kept}");
        resumed.dropped.iter().for_each(|reason| say!("  done again: {reason}"));
    }
    if let Some(of) = &summary.replays {
        say!("put through again what run {of} had held back");
    }
    say!("{status}: run {} in {}", summary.run, seconds(summary.elapsed_ms));
    if let Some(problem) = &summary.problem {
        eprintln!("error: {}", problem.message);
        if let Some(hint) = &problem.hint {
            eprintln!("  hint: {hint}");
        }
        let says_so = problem.hint.as_ref().is_some_and(|hint| hint.contains("--resume"));
        if !summary.status.is_final() && !says_so {
            eprintln!("  to go on: wasmill run FILE --resume {}", summary.run);
        }
    }
}
