//! A staged file: written once, counted, hashed, and on disk, with its name, when it is finished. One that is not finished is
//! removed: an attempt that fails because the disk is full gives back what it took.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use blake3::Hasher;

use super::{StagedPart, checksum};
use crate::error::{ConnectError, Result};
use crate::files::{create_folder, sync_folder};

/// How much is written and hashed at once.
const BLOCK_BYTES: usize = 256 << 10;

/// A file that is being staged.
pub(super) struct HashedFile {
    // Closed before it is removed.
    file: File,
    unfinished: Unfinished,
    /// What is not written yet: both disk and hash are fast by the block.
    block: Vec<u8>,
    hash: Hasher,
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
        let unfinished = Unfinished { path, finished: false };
        let block = Vec::with_capacity(BLOCK_BYTES);
        Ok(Self { file, unfinished, block, hash: Hasher::new(), bytes: 0 })
    }

    pub(super) fn path(&self) -> &Path {
        &self.unfinished.path
    }

    /// Writes everything to disk.
    pub(super) fn finish(mut self, stem: String, rows: u64) -> Result<StagedPart> {
        self.flush()
            .and_then(|()| self.file.sync_all())
            .map_err(ConnectError::io("cannot write", &self.unfinished.path))?;
        let Self { mut unfinished, hash, bytes, .. } = self;
        if let Some(folder) = unfinished.path.parent() {
            sync_folder(folder)?;
        }
        unfinished.finished = true;
        let path = std::mem::take(&mut unfinished.path);
        Ok(StagedPart { stem, path, rows, bytes, checksum: checksum(&hash) })
    }
}

impl HashedFile {
    fn write_block(&mut self, block: &[u8]) -> std::io::Result<()> {
        self.file.write_all(block)?;
        self.hash.update(block);
        self.bytes += block.len() as u64;
        Ok(())
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.block.len() + bytes.len() > BLOCK_BYTES {
            self.flush()?;
        }
        if bytes.len() >= BLOCK_BYTES {
            self.write_block(bytes)?;
        } else {
            self.block.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let mut block = std::mem::take(&mut self.block);
        let written = self.write_block(&block);
        block.clear();
        self.block = block;
        written
    }
}
