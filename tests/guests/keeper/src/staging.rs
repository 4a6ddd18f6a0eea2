//! Where the rows of one attempt are staged, and how a receipt refers to them.

use wasmill_plugin_sdk::{Error, Result};

/// The staged objects of one attempt.
#[derive(Default)]
pub struct Staging {
    attempt: String,
    batches: u32,
}

impl Staging {
    pub fn new(attempt: &str) -> Self {
        Self { attempt: attempt.to_owned(), batches: 0 }
    }

    /// The key of the next batch.
    pub fn next_key(&self) -> String {
        self.key(self.batches)
    }

    /// Counts the batch that was just staged.
    pub fn advance(&mut self) {
        self.batches += 1;
    }

    /// Such as `2 ATTEMPT`: how many batches there are, and the attempt.
    pub fn reference(&self) -> String {
        format!("{} {}", self.batches, self.attempt)
    }

    /// # Errors
    ///
    /// [`Error::Fatal`] where `reference` is none that [`Self::reference`] gives.
    pub fn from_reference(reference: &str) -> Result<Self> {
        let parts = reference.split_once(' ');
        parts
            .and_then(|(batches, attempt)| {
                Some(Self { attempt: attempt.to_owned(), batches: batches.parse().ok()? })
            })
            .ok_or_else(|| Error::fatal(format!("{reference:?} refers to nothing that was staged")))
    }

    pub fn keys(&self) -> impl Iterator<Item = String> {
        (0..self.batches).map(|batch| self.key(batch))
    }

    fn key(&self, batch: u32) -> String {
        format!("/staged/{}/{batch}", self.attempt)
    }
}
