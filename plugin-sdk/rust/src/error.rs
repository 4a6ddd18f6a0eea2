//! Why a plugin fails.

use crate::bindings::types::{ConfigError, Failure, Retry, SchemaError};

/// The result of whatever a plugin does.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call as a whole failed. Bad rows are no errors: report them with `reject`.
///
/// Any error of another type becomes [`Error::Fatal`] under `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The same call may succeed later. The host tries again, after `after_ms` where given.
    Retryable { message: String, after_ms: Option<u64> },
    /// The configuration cannot work. `pointer` is a JSON pointer into it, such as `/columns/0`.
    BadConfig { pointer: String, message: String },
    /// The input schema cannot work.
    BadSchema { column: Option<String>, message: String },
    /// The same call would fail the same way again.
    Fatal(String),
}

impl Error {
    /// The configuration cannot work; `pointer` says where: `/columns/0`, or empty for the whole.
    pub fn bad_config(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadConfig { pointer: pointer.into(), message: message.into() }
    }

    /// The input lacks what the plugin needs of this column.
    pub fn bad_column(column: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadSchema { column: Some(column.into()), message: message.into() }
    }

    /// The same call may succeed later.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::Retryable { message: message.into(), after_ms: None }
    }

    /// The same call would fail the same way again.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::Fatal(message.into())
    }
}

// `Error` itself is not a `std::error::Error`: only so can every other error convert into it.
impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::Fatal(message)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Retryable { message, after_ms } => Self::Retryable(Retry { message, after_ms }),
            Error::BadConfig { pointer, message } => {
                Self::BadConfig(ConfigError { pointer, message })
            }
            Error::BadSchema { column, message } => {
                Self::BadSchema(SchemaError { column, message })
            }
            Error::Fatal(message) => Self::Fatal(message),
        }
    }
}
