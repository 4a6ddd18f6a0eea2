//! The ledger: what ran, what was accepted, what was published, what is still to be told.
//!
//! The ledger is the truth about a run; engines and staged files are disposable. Its one rule: **an attempt
//! at a split counts when its manifest was accepted here, and at most one is**. So an attempt can be
//! repeated, duplicated or killed at any time; only [`Ledger::accept`] decides, once.
//!
//! SQLite, by way of sqlx; the queries keep to what PostgreSQL understands too.

mod outbox;
mod quarantine;
mod runs;
mod splits;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

pub use outbox::OutboxEntry;
pub use quarantine::QuarantineEntry;
pub use runs::{Commit, CursorEntry, Run, RunStatus};
pub use splits::{AcceptedManifest, SplitEntry};

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("`{url}` is no ledger: it must look like sqlite://path/to/ledger.db")]
    Url { url: String },
    #[error("there is no ledger at {}", path.display())]
    Missing { path: PathBuf },
    #[error("cannot create the folder {} for the ledger", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot lock {} to set up the ledger", path.display())]
    Lock {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot open the ledger {}", path.display())]
    Open {
        path: PathBuf,
        #[source]
        source: sqlx::Error,
    },
    #[error("cannot bring the ledger {} up to date", path.display())]
    Migrate {
        path: PathBuf,
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    #[error("cannot {action} in the ledger")]
    Query {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("the ledger holds an unreadable {what}: {value}")]
    Corrupt { what: &'static str, value: String },
}

/// A connection to the run store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    pool: SqlitePool,
    path: PathBuf,
}

impl Ledger {
    /// Opens the ledger at `url` (`sqlite://path`; a relative path is taken from `base`), and creates it
    /// where there is none.
    pub async fn create(url: &str, base: &Path) -> Result<Self, LedgerError> {
        let path = path_of(url, base)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| LedgerError::Folder { path: folder.to_owned(), source })?;
        }
        Self::connect(path, true).await
    }

    /// Whether `url` can be a ledger's, without opening it.
    pub fn check_url(url: &str) -> Result<(), LedgerError> {
        path_of(url, Path::new("")).map(drop)
    }

    /// Opens the ledger at `url`, which must exist.
    pub async fn open(url: &str, base: &Path) -> Result<Self, LedgerError> {
        let path = path_of(url, base)?;
        if !path.exists() {
            return Err(LedgerError::Missing { path });
        }
        Self::connect(path, false).await
    }

    /// The file in which the ledger is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn connect(path: PathBuf, create: bool) -> Result<Self, LedgerError> {
        let _setting_up = SetUpLock::acquire(&path).await?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(create)
            .foreign_keys(true)
            // Readers do not block the writer, and a committed transaction survives `kill -9`.
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(30));
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|source| LedgerError::Open { path: path.clone(), source })?;
        migrator()
            .run(&pool)
            .await
            .map_err(|source| LedgerError::Migrate { path: path.clone(), source })?;
        Ok(Self { pool, path })
    }
}

/// Lets one process at a time create a ledger and bring it up to date.
///
/// SQLite's own locks do not reach that far: who finds a new file half set up, as `wasmill runs list` may while the
/// first run starts, would set it up too, and one of both would fail.
struct SetUpLock {
    /// The lock ends with the file's handle, however the process ends.
    _file: File,
}

impl SetUpLock {
    /// Waits on a thread of its own: tasks of the same runtime may hold the lock.
    async fn acquire(ledger: &Path) -> Result<Self, LedgerError> {
        let mut path = ledger.as_os_str().to_owned();
        path.push("-lock");
        let path = PathBuf::from(path);
        let file = path.clone();
        let locking = tokio::task::spawn_blocking(move || {
            let file = File::create(file)?;
            file.lock()?;
            Ok(file)
        });
        match locking.await.map_err(std::io::Error::other).flatten() {
            Ok(file) => Ok(Self { _file: file }),
            Err(source) => Err(LedgerError::Lock { path, source }),
        }
    }
}

fn path_of(url: &str, base: &Path) -> Result<PathBuf, LedgerError> {
    match url.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() => Ok(base.join(path)),
        _ => Err(LedgerError::Url { url: url.to_owned() }),
    }
}

/// The migrations are part of the program; the macro that would embed them builds SQLite a second time.
fn migrator() -> Migrator {
    let initial = Migration::new(
        1,
        "initial".into(),
        MigrationType::Simple,
        sqlx::SqlStr::from_static(include_str!("../migrations/0001_initial.sql")),
        false,
    );
    Migrator::with_migrations(vec![initial])
}

/// Milliseconds since 1970-01-01T00:00:00Z.
pub fn now_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// Names the action of a query that failed.
fn failed(action: &'static str) -> impl FnOnce(sqlx::Error) -> LedgerError {
    move |source| LedgerError::Query { action, source }
}
