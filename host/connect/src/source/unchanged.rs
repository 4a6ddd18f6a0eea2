//! Reading what was there when a source was divided, and nothing else.
//!
//! A file that somebody writes to, cuts or replaces while it is read gives rows of two states of it, or fewer than either has. So it
//! is looked at before the first batch and after the last one. What fails in between fails because of the change, where there
//! was one.

use super::SourceBatch;
use crate::error::Result;
use crate::files::FoundFile;

/// Batches of a file, with an error at their end when it changed meanwhile.
pub(super) struct Unchanged<I> {
    file: FoundFile,
    batches: I,
    ended: bool,
}

impl<I> Unchanged<I>
where
    I: Iterator<Item = Result<SourceBatch>>,
{
    pub(super) fn open(file: FoundFile, open: impl FnOnce() -> Result<I>) -> Result<Self> {
        file.check_unchanged()?;
        let batches = open().map_err(|error| file.check_unchanged().err().unwrap_or(error))?;
        Ok(Self { file, batches, ended: false })
    }
}

impl<I> Iterator for Unchanged<I>
where
    I: Iterator<Item = Result<SourceBatch>>,
{
    type Item = Result<SourceBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.batches.next();
        if let Some(Ok(_)) = next {
            return next;
        }
        self.ended = true;
        match self.file.check_unchanged() {
            Ok(()) => next,
            Err(changed) => Some(Err(changed)),
        }
    }
}
