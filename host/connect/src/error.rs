//! Why a source could not be read or a sink not be written.

use std::io::ErrorKind;
use std::path::PathBuf;

use arrow::error::ArrowError;

/// The result of whatever a connector does.
pub type Result<T> = std::result::Result<T, ConnectError>;

/// Why a source could not be read or a sink not be written.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The pipeline file asks for something that cannot be.
    #[error("{message}")]
    Config {
        /// The key at fault, below the connector's own section.
        key: &'static str,
        message: String,
    },
    #[error("no file matches {pattern}")]
    NoFiles { pattern: String },
    #[error("{action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The data cannot be read as what it is declared to be.
    #[error("{}: {message}", path.display())]
    Data { path: PathBuf, message: String },
    #[error("{}", path.display())]
    Arrow {
        path: PathBuf,
        #[source]
        source: ArrowError,
    },
    #[error("{}", path.display())]
    Parquet {
        path: PathBuf,
        #[source]
        source: parquet::errors::ParquetError,
    },
    #[error("{action} the database {}", path.display())]
    Database {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: sqlx::Error,
    },
    /// A file is not what it was when the run was planned.
    #[error("{} has changed since the run was planned: {what}", path.display())]
    Changed {
        path: PathBuf,
        /// How it was, and how it is.
        what: String,
    },
    /// A staged or a published file is not what the run made.
    #[error("{}: {message}", path.display())]
    Damaged { path: PathBuf, message: String },
    #[error(
        "the records of this source cannot be read again: they were kept for people, and not as they were found"
    )]
    NotReread,
    /// A mistake of ours, or of a library that reads files. What had been read is not all.
    #[error("the reader panicked: {message}")]
    Panicked { message: String },
    /// A descriptor in the ledger is not one of this connector's.
    #[error("the split descriptor {descriptor} cannot be read")]
    Descriptor { descriptor: String },
}

impl ConnectError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn arrow(path: impl Into<PathBuf>) -> impl FnOnce(ArrowError) -> Self {
        let path = path.into();
        move |source| Self::Arrow { path, source }
    }

    pub(crate) fn parquet(
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(parquet::errors::ParquetError) -> Self {
        let path = path.into();
        move |source| Self::Parquet { path, source }
    }

    pub(crate) fn database(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(sqlx::Error) -> Self {
        let path = path.into();
        move |source| Self::Database { action, path, source }
    }

    /// Whether the same attempt may succeed when repeated.
    pub fn is_chance(&self) -> bool {
        match self {
            Self::Io { source, .. } => !is_lasting(source.kind()),
            Self::Database { source: sqlx::Error::Database(error), .. } => {
                // The lowest byte of a code is what has happened, those above say more: https://sqlite.org/rescode.html
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                matches!(code.map(|code| code & 0xff), Some(SQLITE_BUSY | SQLITE_LOCKED))
            }
            _ => false,
        }
    }
}

const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;

/// What somebody has to mend first.
fn is_lasting(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::AlreadyExists
            | ErrorKind::NotADirectory
            | ErrorKind::IsADirectory
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::CrossesDevices
            | ErrorKind::InvalidFilename
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::UnexpectedEof
            | ErrorKind::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
    use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

    use super::*;

    async fn connect(path: &Path, options: SqliteConnectOptions) -> SqliteConnection {
        let options = options.filename(path).create_if_missing(true);
        options.busy_timeout(Duration::ZERO).connect().await.unwrap()
    }

    async fn fails(connection: &mut SqliteConnection, statement: &'static str) -> (String, bool) {
        let error = connection.execute(statement).await.unwrap_err();
        let code = error.as_database_error().unwrap().code().unwrap().into_owned();
        (code, ConnectError::database("cannot write to", "db")(error).is_chance())
    }

    #[tokio::test]
    async fn a_locked_database_is_chance_and_one_that_cannot_be_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let mut one = connect(&path, SqliteConnectOptions::new()).await;
        let mut other = connect(&path, SqliteConnectOptions::new()).await;
        one.execute("CREATE TABLE t (n INTEGER)").await.unwrap();

        let transaction = one.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let insert = "INSERT INTO t VALUES (1)";
        assert_eq!(fails(&mut other, insert).await, ("5".to_owned(), true));
        transaction.rollback().await.unwrap();

        let read_only = SqliteConnectOptions::new().read_only(true);
        let mut reader = connect(&path, read_only).await;
        assert_eq!(fails(&mut reader, insert).await, ("8".to_owned(), false));

        other.execute("PRAGMA max_page_count = 2").await.unwrap();
        let large = "CREATE TABLE u AS SELECT zeroblob(100000) AS bytes";
        assert_eq!(fails(&mut other, large).await, ("13".to_owned(), false));
    }

    /// Codes have a second byte that says more.
    #[tokio::test]
    async fn a_snapshot_that_is_too_old_is_chance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let wal = || SqliteConnectOptions::new().journal_mode(SqliteJournalMode::Wal);
        let mut one = connect(&path, wal()).await;
        let mut other = connect(&path, wal()).await;
        one.execute("CREATE TABLE t (n INTEGER)").await.unwrap();
        one.execute("BEGIN").await.unwrap();
        one.fetch_all("SELECT * FROM t").await.unwrap();
        other.execute("INSERT INTO t VALUES (1)").await.unwrap();
        assert_eq!(fails(&mut one, "INSERT INTO t VALUES (2)").await, ("517".to_owned(), true));
    }

    #[test]
    fn what_somebody_has_to_mend_is_no_chance() {
        let is_chance = |kind: ErrorKind| {
            ConnectError::io("cannot write", "there")(std::io::Error::from(kind)).is_chance()
        };
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::PermissionDenied,
            ErrorKind::NotADirectory,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::StorageFull,
            ErrorKind::QuotaExceeded,
        ] {
            assert!(!is_chance(kind), "{kind}");
        }
        for kind in [ErrorKind::TimedOut, ErrorKind::Interrupted, ErrorKind::StaleNetworkFileHandle]
        {
            assert!(is_chance(kind), "{kind}");
        }
    }
}
