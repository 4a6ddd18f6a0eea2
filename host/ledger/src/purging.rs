//! Quarantined rows that were removed for good: noted here before they are removed from their files, so that they count as removed
//! wherever a process dies in between.
//!
//! A row is removed or in the hands of a replay that goes on, never both.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::reading::{get, parse};
use crate::runs::RunStatus;
use crate::writing::{Statement, Subject};
use crate::{Ledger, LedgerError, failed, now_ms};

/// A rule that a row violated, with the column at fault where one is.
pub type BrokenRule = (String, Option<String>);

/// A row that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowToPurge {
    pub file: String,
    /// The row within the file.
    pub index: i64,
    /// Why it was held back.
    pub reasons: Vec<BrokenRule>,
}

/// A row that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgedRow {
    pub index: i64,
    /// Why it had been held back.
    pub reasons: Vec<BrokenRule>,
}

/// What became of noting that rows are removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purging {
    /// So many were noted; others had been before.
    Noted(u64),
    /// A replay that goes on has some of them. Nothing was noted.
    Taken { by: String },
}

impl Ledger {
    /// Notes that rows of a run are removed from the quarantine, and which files go with them because no row is left in them.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn purge_rows(
        &self,
        run: &str,
        rows: &[RowToPurge],
        files: &[String],
    ) -> Result<Purging, LedgerError> {
        let mut writing = self.write("note that quarantined rows are removed").await?;
        // No replay is entered meanwhile.
        writing.alone().await?;
        writing.state(run).await?;
        let in_replay = sqlx::query(
            "SELECT replayed_rows.file, replayed_rows.row_index, replayed_rows.by_run
             FROM replayed_rows JOIN runs ON runs.id = replayed_rows.by_run
             WHERE replayed_rows.run_id = $1 AND runs.status <> $2",
        )
        .bind(run)
        .bind(RunStatus::Succeeded.name());
        let wanted: BTreeSet<(&str, i64)> =
            rows.iter().map(|row| (row.file.as_str(), row.index)).collect();
        for row in writing.fetch(in_replay).await? {
            if wanted.contains(&(get(&row, "file")?, get(&row, "row_index")?)) {
                return Ok(Purging::Taken { by: get(&row, "by_run")? });
            }
        }
        let into = "purged_rows (run_id, file, row_index, purged_ms, reasons)";
        let now = now_ms();
        let bind = |statement: Statement, row: &RowToPurge| {
            statement
                .bind(run.to_owned())
                .bind(row.file.clone())
                .bind(row.index)
                .bind(now)
                .bind(json!(row.reasons).to_string())
        };
        let conflict = "ON CONFLICT (run_id, file, row_index) DO NOTHING";
        let noted = writing.insert(into, conflict, rows, bind).await?;
        let mut removed = 0;
        for file in files {
            let statement = sqlx::query(
                "UPDATE quarantine SET purged_ms = $3
                 WHERE run_id = $1 AND file = $2 AND purged_ms IS NULL",
            )
            .bind(run)
            .bind(file)
            .bind(now);
            removed += u64::from(writing.execute(statement).await? > 0);
        }
        if noted > 0 || removed > 0 {
            let detail = json!({ "rows": noted, "files": removed });
            writing.note(run, "quarantine.purged", Subject::RUN, &detail).await?;
            writing.commit().await?;
        }
        Ok(Purging::Noted(noted))
    }

    /// The rows of a run that were removed from the quarantine, by file, in the order in which they were in it.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn purged_rows(
        &self,
        run: &str,
    ) -> Result<BTreeMap<String, Vec<PurgedRow>>, LedgerError> {
        let rows = sqlx::query(
            "SELECT file, row_index, reasons FROM purged_rows WHERE run_id = $1 ORDER BY file, row_index",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list rows that were removed"))?;
        let mut purged: BTreeMap<String, Vec<PurgedRow>> = BTreeMap::new();
        for row in &rows {
            purged.entry(get(row, "file")?).or_default().push(PurgedRow {
                index: get(row, "row_index")?,
                reasons: parse(get(row, "reasons")?, "reasons of a row")?,
            });
        }
        Ok(purged)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{EndOfRun, Entered, NewRun, RowRef, RunKind};

    async fn enter(ledger: &Ledger, id: &str, kind: RunKind) -> Entered {
        let fingerprint = &Value::Null;
        let (pipeline, file_digest) = ("p", "");
        let new = NewRun { id, pipeline, file_digest, kind, fingerprint, started_ms: 0 };
        ledger.enter_run(&new).await.unwrap()
    }

    fn replay(index: i64) -> RunKind {
        let row = RowRef { run: "a".to_owned(), file: "f".to_owned(), index };
        RunKind::Replay { of: "a".to_owned(), rows: vec![row] }
    }

    fn to_purge(index: i64) -> [RowToPurge; 1] {
        let reasons = vec![("rule".to_owned(), None)];
        [RowToPurge { file: "f".to_owned(), index, reasons }]
    }

    #[tokio::test]
    async fn a_row_is_purged_or_in_a_replay_and_never_both() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::create("sqlite://ledger.db", folder.path()).await.unwrap();
        enter(&ledger, "a", RunKind::Run).await;
        assert_eq!(ledger.purge_rows("a", &to_purge(1), &[]).await.unwrap(), Purging::Noted(1));
        assert_eq!(ledger.purge_rows("a", &to_purge(1), &[]).await.unwrap(), Purging::Noted(0));
        assert!(matches!(enter(&ledger, "b", replay(1)).await, Entered::RowsPurged));
        assert!(ledger.run("b").await.unwrap().is_none(), "nothing was entered");

        assert!(matches!(enter(&ledger, "c", replay(2)).await, Entered::New));
        let taken = Purging::Taken { by: "c".to_owned() };
        assert_eq!(ledger.purge_rows("a", &to_purge(2), &[]).await.unwrap(), taken);
        let purged = ledger.purged_rows("a").await.unwrap();
        let reasons = vec![("rule".to_owned(), None)];
        assert_eq!(purged["f"], [PurgedRow { index: 1, reasons }]);

        // Once it is put through, it is only a row in a file.
        let claim = ledger.claim_run("c", "test").await.unwrap();
        let end = EndOfRun {
            status: RunStatus::Succeeded,
            error: None,
            summary: &Value::Null,
            cursors: &[],
            notifications: &[],
        };
        ledger.end_run(&claim, &end).await.unwrap();
        assert_eq!(ledger.purge_rows("a", &to_purge(2), &[]).await.unwrap(), Purging::Noted(1));
    }
}
