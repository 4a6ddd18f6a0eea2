//! The subjects: each computes the same in its own way.

pub mod arrow_udf;
pub mod extism;
pub mod log_lines;
pub mod records;
pub mod vrl;
pub mod whole_run;

use std::path::{Path, PathBuf};

pub use bench_harness::guests::Guests;
use bench_harness::python::Peers;
pub use bench_harness::{native, wasmill};

use crate::measure::Error;

/// What `cargo xtask bench` built and installed.
pub struct Installed {
    pub guests: Guests,
    pub programs: Programs,
}

/// What only some benchmarks need, and what is installed only for these: whole runs of Wasmill, and peers in Python.
pub struct Programs {
    pub wasmill: Option<PathBuf>,
    pub plugins: Option<PathBuf>,
    pub python: Option<PathBuf>,
    pub peers: Option<PathBuf>,
    pub pipelines: Option<PathBuf>,
    pub data: Option<PathBuf>,
}

impl Programs {
    /// The release build of the command line.
    pub fn wasmill(&self) -> Result<&Path, Error> {
        named(&self.wasmill, "--wasmill")
    }

    /// The standard plugins.
    pub fn plugins(&self) -> Result<&Path, Error> {
        named(&self.plugins, "--plugins")
    }

    /// The peers in Python; their outputs go below `runs`.
    pub fn peers<'a>(&'a self, runs: &'a Path) -> Result<Peers<'a>, Error> {
        let (python, scripts) = (named(&self.python, "--python")?, named(&self.peers, "--peers")?);
        Ok(Peers { python, scripts, runs })
    }

    /// The pipelines that are run.
    pub fn pipelines(&self) -> Result<&Path, Error> {
        named(&self.pipelines, "--pipelines")
    }

    /// Where inputs, ledgers and outputs are.
    pub fn data(&self) -> Result<&Path, Error> {
        named(&self.data, "--data")
    }
}

fn named<'a>(path: &'a Option<PathBuf>, argument: &str) -> Result<&'a Path, Error> {
    path.as_deref().ok_or_else(|| format!("this benchmark needs {argument}").into())
}
