//! `wasmill run`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use wasmill_pipeline::events::Observer;
use wasmill_pipeline::{CancellationToken, CheckFailed, RunSummary};

use crate::Output;
use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::metrics_file::MetricsFile;
use crate::progress::Progress;
use crate::table::seconds;
use crate::{check, findings, json_lines, summary};

/// How a pipeline is run.
pub struct RunOptions {
    /// Whether debug lines of plugins are shown too.
    pub verbose: bool,
    /// Where batches that make a plugin fail are kept.
    pub cassettes: Option<PathBuf>,
}

/// Runs a pipeline.
pub async fn run(
    file: &Path,
    output: Output,
    compiling: &CompileArgs,
    options: RunOptions,
    metrics: Option<&Path>,
) -> Result<ExitCode, Failure> {
    let metrics = metrics.map(MetricsFile::begin).transpose().inspect_err(|failure| {
        if output == Output::Json {
            json_lines::print_failure("run.finished", &[77, 78], failure);
        }
    })?;
    let result = shown(file, output, compiling, options).await;
    // What a run published stays published: that its metrics are missing does not change how it ended.
    if let Some(Err(error)) = metrics.map(MetricsFile::write) {
        eprintln!("warning: the metrics were not written: {error}");
    }
    result
}

/// Runs a pipeline and shows how it goes.
async fn shown(
    file: &Path,
    output: Output,
    compiling: &CompileArgs,
    options: RunOptions,
) -> Result<ExitCode, Failure> {
    match output {
        Output::Text => {
            let progress = Arc::new(Progress::new(options.verbose));
            let observer = Arc::clone(&progress) as _;
            let result = work(file, output, compiling, options, observer).await;
            progress.end();
            let summary = result?;
            report(&summary);
            Ok(ExitCode::from(summary.exit_code()))
        }
        Output::Json => {
            match work(file, output, compiling, options, Arc::new(json_lines::JsonLines)).await {
                Ok(summary) => Ok(ExitCode::from(summary.exit_code())),
                Err(failure) => {
                    json_lines::print_failure("run.finished", &[77, 78], &failure);
                    Err(failure)
                }
            }
        }
    }
}

async fn work(
    file: &Path,
    output: Output,
    compiling: &CompileArgs,
    options: RunOptions,
    observer: Arc<dyn Observer>,
) -> Result<RunSummary, Failure> {
    let mut pipeline = check::read(file)?.compiled_by(compiling.compiler()).observed_by(observer);
    if let Some(folder) = options.cassettes {
        pipeline = pipeline.cassettes_in(folder);
    }
    let cancel = cancelled_by_signals();
    let checked = tokio::select! {
        checked = pipeline.check() => checked,
        () = cancel.cancelled() => {
            return Err(Failure::new(130, "interrupted while checking: nothing was started"));
        }
    };
    let checked = checked.map_err(|failed| invalid(file, &failed, output))?;
    findings::print(checked.warnings(), output);
    checked.run(cancel).await.map_err(|error| Failure::from_error(74, &error))
}

fn invalid(file: &Path, failed: &CheckFailed, output: Output) -> Failure {
    findings::print(&failed.0, output);
    let counted = findings::counted(&failed.0);
    Failure::new(failed.exit_code(), format!("{} cannot run: {counted}", file.display()))
}

/// The first interruption ends the run in order, the second at once.
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
            eprintln!("stopping; once more to stop at once");
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

fn report(summary: &RunSummary) {
    let value = serde_json::to_value(summary).expect("a summary is plain data");
    say!("{}", summary::shown(&value));
    let status = summary.status.name();
    say!("{status}: run {} in {}", summary.run, seconds(summary.elapsed_ms));
    if let Some(problem) = &summary.problem {
        eprintln!("error: {}", problem.message);
        if let Some(hint) = &problem.hint {
            eprintln!("  hint: {hint}");
        }
    }
}
