//! The subjects: each computes the same in its own way.

pub mod arrow_udf;
pub mod extism;
pub mod native;
pub mod wasmill;

use std::path::PathBuf;
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

    pub fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(format!("{name}.wasm"));
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}
