//! The subjects: each computes the same in its own way.

pub mod arrow_udf;
pub mod extism;
pub mod log_lines;
pub mod native;
pub mod python;
pub mod records;
pub mod vrl;
pub mod wasmill;
pub mod whole_run;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_sandbox::cache::ComponentCache;

use crate::measure::Error;

/// The components and modules that subjects run, as `cargo xtask bench` built them.
pub struct Guests {
    folder: PathBuf,
    /// Compiling is not what is measured here.
    pub cache: Arc<ComponentCache>,
}

impl Guests {
    pub fn new(folder: PathBuf) -> Result<Self, Error> {
        let cache = Arc::new(ComponentCache::open(folder.join("compiled"))?);
        Ok(Self { folder, cache })
    }

    /// Where a guest is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.wasm"))
    }

    pub fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.path(name);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}

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

    /// The interpreter with the peers' libraries.
    pub fn python(&self) -> Result<&Path, Error> {
        named(&self.python, "--python")
    }

    /// The peers' scripts.
    pub fn peers(&self) -> Result<&Path, Error> {
        named(&self.peers, "--peers")
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
