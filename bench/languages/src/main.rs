//! `cargo xtask bench languages`: the same work in every language that has an SDK, by columns and by rows, beside native code.
//!
//! `wide` computes over numbers, `strings` takes texts apart, `records` cleans records of customers. The plugins are in `plugins/`, one for
//! each language, built as `wasmill build` builds them. All take turns in one process, on one core; what they give is
//! compared with what native code gives before anything counts. Beside `records` there is dlt, from a Parquet file to a Parquet file.
//!
//! Each result is one JSON object on a line; docs/performance.md says what the keys mean.

#[path = "../../../host/cli/src/allocator.rs"]
mod allocator;
mod plugins;

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::ExitCode;

use arrow::array::RecordBatch;
use bench_harness::cores::Cores;
use bench_harness::data;
use bench_harness::guests::Guests;
use bench_harness::measure::{Case, Error, Measuring, Report, Subject};
use bench_harness::native::{self, Native};
use bench_harness::python::{Peers, Python};
use bench_harness::records::{NativeBatches, output_schema};
use bench_harness::wasmill::Wasmill;
use clap::{Parser, ValueEnum};
use parquet::arrow::ArrowWriter;
use serde_json::json;
use wasmill_build::Language;
use wasmill_sandbox::engine::Profile;

/// The same work in every language, by columns and by rows.
#[derive(Debug, Parser)]
struct Arguments {
    /// Fewer rows and rounds: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Only this subject, beside native, such as `python by rows`.
    #[arg(long)]
    subject: Option<String>,
    /// Only this work.
    #[arg(long)]
    work: Option<Work>,
    /// Where the plugins are: a folder for each language.
    #[arg(long)]
    projects: PathBuf,
    /// Where components are built to.
    #[arg(long)]
    guests: PathBuf,
    /// Where the raw samples are written.
    #[arg(long)]
    samples: PathBuf,
    /// The Python interpreter whose environment has the libraries of the peer of `records`; without, there is none.
    #[arg(long, requires_all = ["peers", "data"])]
    python: Option<PathBuf>,
    /// The folder with the scripts that the interpreter runs.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Where the peer's input and output are.
    #[arg(long)]
    data: Option<PathBuf>,
}

/// The peer of `records`, as its script knows it: a Python function over dicts.
const PEER: &str = "dlt";

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Work {
    /// 16 columns: rows filtered by one, a new column made of two others.
    Wide,
    /// The second of two segments of text.
    Strings,
    /// Records filtered, derived from, and their e-mail addresses looked at.
    Records,
}

impl Work {
    const ALL: [Self; 3] = [Self::Wide, Self::Strings, Self::Records];

    fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Strings => "strings",
            Self::Records => "records",
        }
    }

    fn inputs(self, quick: bool) -> Vec<RecordBatch> {
        let rows = if quick { 16_384 } else { 65_536 };
        match self {
            Self::Wide => vec![data::wide(rows)],
            Self::Strings => vec![data::texts(rows)],
            Self::Records => data::records(4 * rows),
        }
    }

    fn native(self, inputs: &[RecordBatch]) -> Box<dyn Subject> {
        match self {
            Self::Wide => Native::subject(native::wide, &inputs[0]),
            Self::Strings => Native::subject(native::strings, &inputs[0]),
            Self::Records => NativeBatches::subject(inputs),
        }
    }
}

/// The ways that an SDK offers.
const WAYS: [&str; 2] = ["columns", "rows"];

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Error> {
    let measuring = Measuring::new(arguments.quick, arguments.subject, arguments.samples);
    let report = Report::new(arguments.json);
    let languages = Language::ALL.into_iter().filter(|language| {
        WAYS.into_iter().any(|way| measuring.wants(&subject_name(*language, way)))
    });
    let languages: Vec<Language> = languages.collect();
    plugins::build(&languages, &arguments.projects, &arguments.guests)?;
    let guests = Guests::new(arguments.guests)?;
    let peers =
        arguments.python.as_deref().zip(arguments.peers.as_deref()).zip(arguments.data.as_deref());
    let peers = peers.map(|((python, scripts), runs)| Peers { python, scripts, runs });
    for work in Work::ALL {
        if arguments.work.is_none_or(|only| only == work) {
            compare(work, &languages, &guests, peers, &measuring, &report)?;
        }
    }
    Ok(())
}

fn subject_name(language: Language, way: &str) -> String {
    format!("{} by {way}", language.name())
}

fn compare(
    work: Work,
    languages: &[Language],
    guests: &Guests,
    peers: Option<Peers<'_>>,
    measuring: &Measuring,
    report: &Report,
) -> Result<(), Error> {
    let _core = Cores::only(1)?;
    let inputs = work.inputs(measuring.is_quick());
    let mut subjects = vec![work.native(&inputs)];
    for &language in languages {
        for way in WAYS {
            let name = subject_name(language, way);
            if measuring.wants(&name) {
                let config = json!({ "work": work.name(), "way": way });
                let (guest, metered) = (language.name(), Profile::Metered);
                let subject =
                    Wasmill::over_batches(&name, guests, guest, &config, metered, &inputs)?;
                subjects.push(subject);
            }
        }
    }
    if let Some(peers) = peers.filter(|_| work == Work::Records && measuring.wants(PEER)) {
        subjects.push(peer(peers, &inputs)?);
    }
    subjects.push(work.native(&inputs));
    let rows = inputs.iter().map(RecordBatch::num_rows).sum();
    let bytes = inputs.iter().map(data::bytes).sum();
    let case = Case { bench: "languages", variant: Some(work.name()), rows, bytes };
    measuring.in_fewer_rounds().compare_case(&case, &mut subjects, report)?;
    Ok(())
}

/// The peer, with the same rows in a file.
fn peer(peers: Peers<'_>, inputs: &[RecordBatch]) -> Result<Box<dyn Subject>, Error> {
    fs::create_dir_all(peers.runs)?;
    let input = peers.runs.join("languages-records.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&input)?, inputs[0].schema(), None)?;
    for batch in inputs {
        writer.write(batch)?;
    }
    writer.close()?;
    Python::subject(PEER, peers, "records.py", &input, 1, (output_schema(), 1))
}
