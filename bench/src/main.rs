//! Benchmarks of Wasmill beside native code and beside peers: `cargo xtask bench`.
//!
//! ```text
//!   benches/ says what is computed ─▶ subjects/ compute it, each in its way ─▶ measure compares outputs and times
//! ```
//!
//! All subjects of a benchmark run in this process, on one thread, in turns. Each result is one JSON object on a line;
//! docs/performance.md says what the keys mean.

mod benches;
mod data;
mod measure;
mod subjects;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::benches::Bench;
use crate::measure::{Measuring, Report};
use crate::subjects::Guests;

/// Benchmarks of Wasmill beside native code and peers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which benchmark; all of them where none is named.
    name: Option<Bench>,
    /// Fewer and shorter samples: to see that it works, not to quote.
    #[arg(long)]
    quick: bool,
    /// One JSON object a line, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Only this subject, beside native: for a profiler, or after a change.
    #[arg(long)]
    subject: Option<String>,
    /// The folder with the components and modules that the subjects run.
    #[arg(long)]
    guests: PathBuf,
    /// Where the raw samples are written, a CSV file for each benchmark and size.
    #[arg(long)]
    samples: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let measuring = Measuring::new(arguments.quick, arguments.subject, arguments.samples);
    let report = Report::new(arguments.json);
    let guests = match Guests::new(arguments.guests) {
        Ok(guests) => guests,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let benches = arguments.name.map_or_else(|| Bench::ALL.to_vec(), |bench| vec![bench]);
    for bench in benches {
        if let Err(error) = bench.run(&guests, &measuring, &report) {
            eprintln!("error: {}: {error}", bench.name());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
