//! Why the ledger could not be read or written: what happened, where, and what to do.
//!
//! No message and no `Debug` holds a password: places are shown without it.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use crate::RunStatus;

/// Why the ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(
        "`{url}` is no ledger: {reason}; a ledger looks like sqlite://path/to/ledger.db or postgres://user@host/database"
    )]
    Url { url: String, reason: String },
    #[error("there is no ledger at {place}")]
    Missing { place: String },
    #[error("cannot create the folder {} for the ledger", path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot lock {}", path.display())]
    Lock {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot open the ledger {place}")]
    Open {
        place: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("cannot bring the ledger {place} up to date")]
    Migrate {
        place: String,
        #[source]
        source: MigrateError,
    },
    #[error(
        "{place} is no ledger, nor any other SQLite database; it was left as it is: name another file"
    )]
    NoDatabase { place: String },
    #[error(
        "the ledger {place} is damaged ({problem}); it was left as it is: restore it from a backup, or move it away together with its -wal and -shm"
    )]
    Damaged { place: String, problem: String },
    #[error("{place} is the database of another program; it was left as it is: name another one")]
    Foreign { place: String },
    #[error(
        "the ledger {place} was written by a newer Wasmill (schema {found}, this one knows {known}); it was left as it is: use that version"
    )]
    Newer { place: String, found: i64, known: i64 },
    #[error(
        "`{id}` cannot name a run: an id is a letter or digit, and up to 99 more or any of `._:+-`"
    )]
    RunId { id: String },
    #[error("there is no run `{run}` in the ledger")]
    NoRun { run: String },
    #[error("the run `{run}` is {}: its plan cannot be changed any more", status.name())]
    Closed { run: String, status: RunStatus },
    #[error("cannot {action} in the ledger")]
    Query {
        action: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("the ledger holds an unreadable {what}: {value}")]
    Corrupt { what: &'static str, value: String },
}

impl LedgerError {
    /// Whether the same may succeed a little later: a lost connection, a database that is busy, restarts, or has no
    /// connection to spare. A full disk is no chance.
    pub fn is_chance(&self) -> bool {
        match self {
            Self::Open { source, .. } | Self::Query { source, .. } => is_chance(source),
            Self::Migrate {
                source: MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _),
                ..
            } => is_chance(source),
            _ => false,
        }
    }
}

fn is_chance(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() != std::io::ErrorKind::StorageFull,
        sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_chance_code(&code)),
        _ => false,
    }
}

/// Codes of SQLite are numbers, with what is special about them above the lowest byte
/// (<https://www.sqlite.org/rescode.html>); those of PostgreSQL have five characters
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn is_chance_code(code: &str) -> bool {
    const SQLITE_BUSY: u32 = 5;
    const SQLITE_LOCKED: u32 = 6;
    const SQLITE_PROTOCOL: u32 = 15;
    if code.len() == 5 {
        let serialization_or_deadlock = matches!(code, "40001" | "40P01");
        let no_connection_or_lock = matches!(code, "53300" | "55P03");
        let shutting_down_or_starting = matches!(code, "57P01" | "57P02" | "57P03");
        return code.starts_with("08")
            || serialization_or_deadlock
            || no_connection_or_lock
            || shutting_down_or_starting;
    }
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, SQLITE_BUSY | SQLITE_LOCKED | SQLITE_PROTOCOL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_told_by_code() {
        for code in ["5", "261", "517", "6", "15", "08006", "40P01", "53300", "57P01"] {
            assert!(is_chance_code(code), "{code}");
        }
        // Disk full, input and output, corrupt, a constraint: of both databases.
        for code in ["13", "10", "11", "19", "1555", "53100", "58030", "XX001", "23505"] {
            assert!(!is_chance_code(code), "{code}");
        }
    }

    #[test]
    fn a_refused_connection_is_chance_and_a_full_disk_is_not() {
        let failed = |kind: std::io::ErrorKind| LedgerError::Query {
            action: "end a run",
            source: sqlx::Error::Io(kind.into()),
        };
        assert!(failed(std::io::ErrorKind::ConnectionRefused).is_chance());
        assert!(!failed(std::io::ErrorKind::StorageFull).is_chance());
    }
}
