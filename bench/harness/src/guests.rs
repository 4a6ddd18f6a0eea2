//! The components that subjects run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_sandbox::cache::ComponentCache;

use crate::measure::Error;

/// The components and modules that subjects run, in one folder.
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

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
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
