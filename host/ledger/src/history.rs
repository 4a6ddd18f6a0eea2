//! The story of a run: what happened to it, in order. Entries are added, and never changed.
//!
//! | Kind | Detail |
//! |---|---|
//! | `run.entered` | kind; of a replay: replays, rows |
//! | `run.claimed` | process, epoch, status before |
//! | `phase.planned`, `phase.dropped` | level, splits; reason |
//! | `attempt.started`, `attempt.failed`, `attempt.accepted` | process; error, `retry_in_ms` |
//! | `split.dropped` | reason |
//! | `commit.begun`, `sink.committed` | sink, report |
//! | `run.ended`, `run.superseded` | status, error; by |
//! | `quarantine.replayed`, `quarantine.purged` | by, rows; rows, files |
//!
//! Whoever drives the run adds kinds of its own with [`Ledger::note`].

use serde::Serialize;
use serde_json::Value;

use crate::reading::{get, json};
use crate::writing::Subject;
use crate::{Ledger, LedgerError, failed};

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// Counts the entries of a run from 1, without gaps, in the order in which they became true.
    pub seq: i64,
    pub at_ms: i64,
    pub kind: String,
    pub phase: Option<String>,
    pub split: Option<String>,
    pub attempt: Option<String>,
    pub detail: Value,
}

impl Ledger {
    /// Adds an entry to the history of a run.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn note(&self, run: &str, kind: &str, detail: Value) -> Result<(), LedgerError> {
        let mut writing = self.write("add to the history of a run").await?;
        writing.note(run, kind, Subject::RUN, &detail).await?;
        writing.commit().await
    }

    /// The history of a run, beyond the entry `after`; all of it where that is 0.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn history(&self, run: &str, after: i64) -> Result<Vec<HistoryEntry>, LedgerError> {
        let rows = sqlx::query("SELECT * FROM history WHERE run_id = $1 AND seq > $2 ORDER BY seq")
            .bind(run)
            .bind(after)
            .fetch_all(&self.pool)
            .await
            .map_err(failed("read the history of a run"))?;
        rows.iter()
            .map(|row| {
                Ok(HistoryEntry {
                    seq: get(row, "seq")?,
                    at_ms: get(row, "at_ms")?,
                    kind: get(row, "kind")?,
                    phase: get(row, "phase")?,
                    split: get(row, "split")?,
                    attempt: get(row, "attempt")?,
                    detail: json(row, "detail")?,
                })
            })
            .collect()
    }
}
