//! A staged file: written once, counted, hashed, and on disk when it is finished.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::StagedPart;
use crate::error::{ConnectError, Result};

/// A file that is being staged.
pub(super) struct HashedFile {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl HashedFile {
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(ConnectError::io("cannot create", folder))?;
        }
        // Attempts have names of their own: two writers of one file would be a mistake of ours.
        let file = File::create_new(&path).map_err(ConnectError::io("cannot create", &path))?;
        let file = BufWriter::with_capacity(256 << 10, file);
        Ok(Self { path, file, hash: Sha256::new(), bytes: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes everything to disk.
    pub(super) fn finish(self, stem: String, rows: u64) -> Result<StagedPart> {
        let Self { path, file, hash, bytes } = self;
        let flush = || -> std::io::Result<()> { file.into_inner()?.sync_all() };
        flush().map_err(ConnectError::io("cannot write", &path))?;
        let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(StagedPart { stem, path, rows, bytes, sha256 })
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
