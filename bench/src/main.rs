//! Benchmarks of Wasmill beside native code and beside peers: `cargo xtask bench`.
//!
//! ```text
//!   benches/ says what is computed ─▶ subjects/ compute it, each in its way ─▶ measure compares outputs and times
//! ```
//!
//! All subjects of a benchmark run in this process, on one thread, in turns. Each result is one JSON object on a line;
//! docs/performance.md says what the keys mean.

#[path = "../../host/cli/src/allocator.rs"]
mod allocator;
mod benches;
mod datasets;
mod subjects;

use std::path::PathBuf;
use std::process::ExitCode;

use bench_harness::{cores, data, measure};
use clap::Parser;

use crate::benches::Bench;
use crate::measure::{Measuring, Report};
use crate::subjects::{Guests, Installed, Programs};

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
    /// The command line of Wasmill; whole runs are measured with it.
    #[arg(long)]
    wasmill: Option<PathBuf>,
    /// The folder with the standard plugins.
    #[arg(long)]
    plugins: Option<PathBuf>,
    /// The Python interpreter whose environment has the peers' libraries.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The folder with the scripts that the interpreter runs.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// The folder with the pipelines that are measured.
    #[arg(long)]
    pipelines: Option<PathBuf>,
    /// Where inputs are generated to, once, and where whole runs write.
    #[arg(long)]
    data: Option<PathBuf>,
    /// What `poison` starts this program with once more: a peer and what poisons it, such as `arrow-udf/spin`.
    #[arg(long, hide = true)]
    poisoned: Option<String>,
}

fn main() -> ExitCode {
    allocator::keep_freed_memory();
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
    if let Some(which) = arguments.poisoned {
        return match benches::poisoned_peer(&guests, &which) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let programs = Programs {
        wasmill: arguments.wasmill,
        plugins: arguments.plugins,
        python: arguments.python,
        peers: arguments.peers,
        pipelines: arguments.pipelines,
        data: arguments.data,
    };
    let installed = Installed { guests, programs };
    let benches = arguments.name.map_or_else(|| Bench::ALL.to_vec(), |bench| vec![bench]);
    for bench in benches {
        if let Err(error) = bench.run(&installed, &measuring, &report) {
            eprintln!("error: {}: {error}", bench.name());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
