//! What ends a command without success: what happened, what to do, and the exit code that says it.

use std::error::Error;
use std::fmt;

use wasmill_pipeline::error::chain;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    pub message: String,
    pub hint: Option<String>,
    pub exit_code: u8,
}

impl Failure {
    pub fn new(exit_code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit_code }
    }

    /// From an error with its causes.
    pub fn from_error(exit_code: u8, error: &(dyn Error + 'static)) -> Self {
        Self::new(exit_code, chain(error))
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
