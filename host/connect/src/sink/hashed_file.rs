//! A staged file: written once, counted, hashed, and on disk, with its name, when it is finished. One that is not finished is
//! removed: an attempt that fails because the disk is full gives back what it took.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::{StagedPart, hexadecimal};
use crate::error::{ConnectError, Result};
use crate::files::{create_folder, sync_folder};

/// A file that is being staged.
pub(super) struct HashedFile {
    // Closed before it is removed.
    file: BufWriter<File>,
    unfinished: Unfinished,
    hash: Sha256,
    bytes: u64,
}

/// Removes a file that nobody finishes.
struct Unfinished {
    path: PathBuf,
    finished: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed is swept with the other staged files of the run.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

impl HashedFile {
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        if let Some(folder) = path.parent() {
            create_folder(folder)?;
        }
        // Attempts have names of their own: two writers of one file would be a mistake of ours.
        let file = File::create_new(&path).map_err(ConnectError::io("cannot create", &path))?;
        let file = BufWriter::with_capacity(256 << 10, file);
        let unfinished = Unfinished { path, finished: false };
        Ok(Self { file, unfinished, hash: Sha256::new(), bytes: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.unfinished.path
    }

    /// Writes everything to disk.
    pub(super) fn finish(self, stem: String, rows: u64) -> Result<StagedPart> {
        let Self { file, mut unfinished, hash, bytes } = self;
        let flush = || -> std::io::Result<()> { file.into_inner()?.sync_all() };
        flush().map_err(ConnectError::io("cannot write", &unfinished.path))?;
        if let Some(folder) = unfinished.path.parent() {
            sync_folder(folder)?;
        }
        unfinished.finished = true;
        let path = std::mem::take(&mut unfinished.path);
        Ok(StagedPart { stem, path, rows, bytes, sha256: hexadecimal(hash) })
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
