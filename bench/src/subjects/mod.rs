//! The subjects: each computes the same in its own way.

pub mod arrow_udf;
pub mod extism;
pub mod native;
pub mod wasmill;

use std::path::PathBuf;

use crate::measure::Error;

/// The components and modules that subjects run, as `cargo xtask bench` built them.
pub struct Guests {
    folder: PathBuf,
}

impl Guests {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub fn read(&self, name: &str) -> Result<Vec<u8>, Error> {
        let path = self.folder.join(format!("{name}.wasm"));
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}
