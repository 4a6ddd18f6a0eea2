//! `cargo xtask bench commit`: what it costs that nothing is lost and nothing comes twice.
//!
//! A pipeline without any step between source and sink is run by the library, and beside it the same source is read by the same reader
//! and written by the same writers, straight to the target: without staging, hash, manifest, ledger, rename; once without any
//! `fsync`, and once with one for each file, as whoever wants to find the rows after a loss of power would write them. All take
//! turns in one process. What they write is compared, byte by byte, before anything counts.
//!
//! Each result is one JSON object on a line; docs/performance.md says what the keys mean.

#[path = "../../../host/cli/src/allocator.rs"]
mod allocator;
mod input;
mod straight;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use serde_json::json;
use wasmill_connect::source::Source;
use wasmill_connect::source::arrow_ipc::{ArrowSource, ArrowSourceConfig};
use wasmill_pipeline::{CancellationToken, CheckedPipeline, Pipeline};

use crate::straight::Straight;
use crate::target::Target;

/// What can go wrong: a benchmark that cannot be trusted says why and ends.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// How many splits are worked on at once, by all subjects.
const WORKERS: usize = 2;
const ROUNDS: usize = 11;
const QUICK_ROUNDS: usize = 3;

/// What staging, manifests and the commit cost over writing the outputs straight.
#[derive(Debug, Parser)]
struct Arguments {
    /// Fewer rows and rounds: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Only this target: parquet, csv, jsonl or sqlite.
    #[arg(long)]
    target: Option<String>,
    /// The folder where inputs are generated and outputs written: its file system is measured too.
    #[arg(long)]
    data: PathBuf,
}

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .expect("a runtime");
    match runtime.block_on(measure(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<(), Error> {
    let rows = if arguments.quick { 100_000 } else { 2_000_000 };
    let folder = arguments.data.join("commit");
    let input = input::generate(&folder.join(format!("input-{rows}")), rows)?;
    let config: ArrowSourceConfig = serde_json_config(&input)?;
    let source: Arc<dyn Source> = Arc::new(ArrowSource::open(&config, &input)?);
    for target in Target::ALL {
        if arguments.target.as_ref().is_none_or(|only| only == target.name()) {
            measure_target(arguments, target, &source, &folder, &input, rows).await?;
        }
    }
    Ok(())
}

fn serde_json_config(input: &Path) -> Result<ArrowSourceConfig, Error> {
    Ok(serde_json::from_value(json!({ "path": input.join("*.arrow") }))?)
}

/// One way to get the rows to the target.
enum Subject {
    Straight(Straight),
    Pipeline { folder: PathBuf, pipeline: Box<CheckedPipeline> },
}

impl Subject {
    fn folder(&self) -> &Path {
        match self {
            Self::Straight(straight) => &straight.folder,
            Self::Pipeline { folder, .. } => folder,
        }
    }

    /// Puts away what an earlier round wrote.
    fn prepare(&self) -> Result<(), Error> {
        let folder = self.folder();
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        Ok(std::fs::create_dir_all(folder)?)
    }

    async fn run(&self) -> Result<(), Error> {
        match self {
            Self::Straight(straight) => straight.run(WORKERS).await,
            Self::Pipeline { pipeline, .. } => {
                let summary =
                    CheckedPipeline::clone(pipeline).run(CancellationToken::new()).await?;
                match summary.problem {
                    None => Ok(()),
                    Some(problem) => Err(problem.message.into()),
                }
            }
        }
    }
}

async fn measure_target(
    arguments: &Arguments,
    target: Target,
    source: &Arc<dyn Source>,
    folder: &Path,
    input: &Path,
    rows: usize,
) -> Result<(), Error> {
    let straight = |name: &str, is_durable| {
        Subject::Straight(Straight {
            target,
            source: Arc::clone(source),
            folder: folder.join(name),
            is_durable,
        })
    };
    let subjects = [
        ("straight", straight("straight", false)),
        ("straight, fsync", straight("durable", true)),
        ("wasmill", pipeline(target, folder, input).await?),
        ("straight (A/A control)", straight("control", false)),
    ];
    let mut expected = None;
    for (name, subject) in &subjects {
        subject.prepare()?;
        subject.run().await?;
        let written = target.written(subject.folder()).await?;
        if *expected.get_or_insert_with(|| written.clone()) != written {
            return Err(
                format!("{}: {name} writes something else than others", target.name()).into()
            );
        }
    }
    let rounds = if arguments.quick { QUICK_ROUNDS } else { ROUNDS };
    let mut samples = vec![Vec::with_capacity(rounds); subjects.len()];
    for round in 0..rounds {
        for turn in 0..subjects.len() {
            let index = (round + turn) % subjects.len();
            let (_, subject) = &subjects[index];
            subject.prepare()?;
            let started = Instant::now();
            subject.run().await?;
            samples[index].push(started.elapsed().as_secs_f64());
        }
    }
    let medians: Vec<f64> = samples.iter().map(|samples| median(samples)).collect();
    for (index, (name, _)) in subjects.iter().enumerate() {
        let line = json!({
            "bench": "commit",
            "variant": target.name(),
            "subject": name,
            "rows": rows,
            "seconds": medians[index],
            "ratio_to_native": medians[index] / medians[0],
            "ratio_to_durable": medians[index] / medians[1],
            "rows_per_second": rows as f64 / medians[index],
            "rounds": rounds,
        });
        if arguments.json {
            println!("{line}");
        } else {
            println!(
                "commit {:<8} {rows:>8} {name:<24} {:>9.1} ms {:>6.2}x {:>6.2}x of durable",
                target.name(),
                medians[index] * 1e3,
                medians[index] / medians[0],
                medians[index] / medians[1],
            );
        }
    }
    Ok(())
}

/// From the source to the target, with nothing in between.
async fn pipeline(target: Target, folder: &Path, input: &Path) -> Result<Subject, Error> {
    let out = folder.join("wasmill");
    let ledger = folder.join("ledger").join(target.name()).join("ledger.db");
    let text = format!(
        "[pipeline]\nname = \"commit\"\nworkers = {WORKERS}\nledger = \"sqlite://{}\"\n\
         [sources.rows]\ntype = \"arrow\"\npath = {:?}\n\
         [sinks.out]\ninputs = [\"rows\"]\n{}",
        ledger.display(),
        input.join("*.arrow"),
        target.section(&out),
    );
    let checked = Pipeline::from_text(folder.join("pipeline.toml"), &text).check().await;
    let pipeline =
        checked.map_err(|failed| format!("the pipeline is not valid: {:?}", failed.0))?;
    Ok(Subject::Pipeline { folder: out, pipeline: Box::new(pipeline) })
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
