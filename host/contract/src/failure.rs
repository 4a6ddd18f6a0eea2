//! Failures that plugins return: whole calls, as opposed to bad rows.

use std::time::Duration;

use crate::bindings::types as wit;
use crate::finding::bounded_text;

/// The longest a plugin can ask to wait before a retry.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Why a plugin says that a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The same call may succeed later.
    #[error("{message}")]
    Retryable { message: String, after: Option<Duration> },
    /// The configuration cannot work.
    #[error("config{}: {message}", if .pointer.is_empty() { String::new() } else { format!(" at {pointer}") })]
    BadConfig {
        /// JSON pointer into the configuration; empty for the whole.
        pointer: String,
        message: String,
    },
    /// The input schema cannot work.
    #[error("{}{message}", .column.as_ref().map(|column| format!("column `{column}`: ")).unwrap_or_default())]
    BadSchema { column: Option<String>, message: String },
    /// The same call would fail the same way again.
    #[error("{0}")]
    Fatal(String),
}

impl From<wit::Failure> for Failure {
    fn from(failure: wit::Failure) -> Self {
        match failure {
            wit::Failure::Retryable(retry) => Self::Retryable {
                message: bounded_text(retry.message),
                after: retry.after_ms.map(|ms| Duration::from_millis(ms).min(MAX_RETRY_AFTER)),
            },
            wit::Failure::BadConfig(error) => Self::BadConfig {
                pointer: bounded_text(error.pointer),
                message: bounded_text(error.message),
            },
            wit::Failure::BadSchema(error) => Self::BadSchema {
                column: error.column.map(bounded_text),
                message: bounded_text(error.message),
            },
            wit::Failure::Fatal(message) => Self::Fatal(bounded_text(message)),
        }
    }
}
