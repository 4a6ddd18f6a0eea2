//! The ledger: what ran, what was accepted, what was published, what is still to be told.
//!
//! The ledger is the truth about a run; engines and staged files are disposable. Its rules:
//!
//! - **An attempt at a split counts when its manifest was accepted here, and at most one is**, and only while the run goes on.
//!   So an attempt can be repeated, duplicated or killed at any time; only [`Ledger::accept`] decides, once.
//! - **Only the latest driver of a run publishes.** Each one claims the run ([`Ledger::claim_run`]) and gets an epoch; with an
//!   older one it can begin, note and end nothing.
//! - **Locks say who is alive** ([`Ledger::lock_run`]): they end with the process that holds them, however it ends.
//! - **Order is the order of entering**, [`Run::ordinal`]. No decision looks at a clock.
//! - **What changes, is told**: each change of a run writes its entry of the history in the same transaction.
//!
//! It is a SQLite file or a schema of a PostgreSQL database, by way of sqlx's driver for any database: the same queries on
//! both. What must differ is in `setup`, `lock` and `health`.

mod commit;
mod error;
mod health;
mod history;
mod lock;
mod outbox;
mod phases;
mod place;
mod purging;
mod quarantine;
mod reading;
mod replays;
mod runs;
mod setup;
mod splits;
mod writing;

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::AnyPool;
use tokio::sync::Semaphore;

pub use commit::{Claim, Commit, CommitStart, CursorEntry, EndOfRun, Ended};
pub use error::LedgerError;
pub use health::Health;
pub use history::HistoryEntry;
pub use lock::{Lock, Share};
pub use outbox::{NewNotification, OutboxEntry};
pub use phases::{NewPhase, NewSplit, PhaseEntry};
pub use purging::{BrokenRule, PurgedRow, Purging, RowToPurge};
pub use quarantine::QuarantineEntry;
pub use replays::{ReplayedRow, RowRef};
pub use runs::{Entered, NewRun, Run, RunKind, RunKindName, RunStatus, check_run_id};
pub use splits::{Acceptance, AcceptedManifest, SplitEntry};

use crate::lock::Locks;
use crate::place::Place;

/// The run store. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    pool: AnyPool,
    place: Arc<Place>,
    locks: Arc<Locks>,
    /// Where what a transaction wrote is on disk when it is committed.
    durable: AnyPool,
    /// Lets transactions of this process write to SQLite one by one; none where the database does that.
    turns: Option<Arc<Semaphore>>,
    /// The epoch in which what is planned, accepted or dropped through this counts; none for any.
    epoch: Option<i64>,
}

impl std::fmt::Debug for Ledger {
    /// Where it is: connections hold passwords.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Ledger").field("place", &self.place()).finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger at `url`, and creates it where there is none: `sqlite://path`, a relative path being taken from `base`,
    /// or `postgres://user:password@host/database`, whose schema `wasmill` it is.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, or what is there is no ledger, a damaged one, or one of a newer version. Then nothing of it
    /// was changed.
    pub async fn create(url: &str, base: &Path) -> Result<Self, LedgerError> {
        setup::connect(Place::parse(url, base)?, true).await
    }

    /// Opens the ledger at `url`, which must exist.
    ///
    /// # Errors
    ///
    /// Like [`Self::create`]; that a large file is whole is not looked at.
    pub async fn open(url: &str, base: &Path) -> Result<Self, LedgerError> {
        setup::connect(Place::parse(url, base)?, false).await
    }

    /// Whether `url` can be a ledger's, without opening it.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn check_url(url: &str) -> Result<(), LedgerError> {
        Place::parse(url, Path::new("")).map(drop)
    }

    /// The same ledger for who works on a run in its epoch: what is planned, accepted or dropped through it counts until somebody
    /// claims the run anew. For then its files may be swept.
    #[must_use]
    pub fn in_epoch(&self, epoch: i64) -> Self {
        Self { epoch: Some(epoch), ..self.clone() }
    }

    /// Where it is, for messages: a path, or a URL without its password.
    pub fn place(&self) -> &str {
        self.place.shown()
    }

    /// The folder of a ledger that is a file.
    pub fn folder(&self) -> Option<&Path> {
        match &*self.place {
            Place::File { path, .. } => path.parent(),
            Place::Server { .. } => None,
        }
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z: for people, never for order.
pub fn now_ms() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}

/// Names the action of a query that failed.
fn failed(action: &'static str) -> impl FnOnce(sqlx::Error) -> LedgerError {
    move |source| LedgerError::Query { action, source }
}
