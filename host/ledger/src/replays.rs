//! Which quarantined rows a replay has taken: each row at most one at a time, and for good once that has succeeded.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use crate::reading::get;
use crate::runs::RunStatus;
use crate::writing::{Statement, Subject, Writing};
use crate::{Ledger, LedgerError, failed};

/// A quarantined row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowRef {
    /// The run that held it back.
    pub run: String,
    pub file: String,
    /// The row within the file.
    pub index: i64,
}

/// A quarantined row that a replay has taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayedRow {
    pub index: i64,
    /// The replay.
    pub by: String,
    /// Whether the replay has succeeded.
    pub done: bool,
}

impl Ledger {
    /// The rows of a run that replays have taken, by file and index.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn replayed_rows(
        &self,
        run: &str,
    ) -> Result<BTreeMap<String, Vec<ReplayedRow>>, LedgerError> {
        let rows = sqlx::query(
            "SELECT replayed_rows.file, replayed_rows.row_index, replayed_rows.by_run, runs.status
             FROM replayed_rows JOIN runs ON runs.id = replayed_rows.by_run
             WHERE replayed_rows.run_id = $1 ORDER BY replayed_rows.file, replayed_rows.row_index",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list replayed rows"))?;
        let mut replayed: BTreeMap<String, Vec<ReplayedRow>> = BTreeMap::new();
        for row in &rows {
            let status = RunStatus::parse(get(row, "status")?)?;
            replayed.entry(get(row, "file")?).or_default().push(ReplayedRow {
                index: get(row, "row_index")?,
                by: get(row, "by_run")?,
                done: status == RunStatus::Succeeded,
            });
        }
        Ok(replayed)
    }
}

/// Whether rows could be taken for a replay. Where not, nothing of the transaction may be committed.
pub(crate) enum Claimed {
    All,
    /// Another replay has taken some of them before.
    Taken {
        by: String,
    },
    /// Some of them were removed.
    Purged,
}

/// Takes rows for the replay `by`.
pub(crate) async fn claim_rows(
    writing: &mut Writing,
    by: &str,
    rows: &[RowRef],
) -> Result<Claimed, LedgerError> {
    let mut rows: Vec<&RowRef> = rows.iter().collect();
    rows.sort();
    rows.dedup();
    let into = "replayed_rows (run_id, file, row_index, by_run)";
    let conflict = "ON CONFLICT (run_id, file, row_index) DO NOTHING";
    let bind = |statement: Statement, row: &&RowRef| {
        statement.bind(row.run.clone()).bind(row.file.clone()).bind(row.index).bind(by.to_owned())
    };
    let taken = writing.insert(into, conflict, &rows, bind).await?;
    if taken == rows.len() as u64 {
        let purged = are_purged(writing, by).await?;
        return Ok(if purged { Claimed::Purged } else { Claimed::All });
    }
    for row in rows {
        let statement = sqlx::query(
            "SELECT by_run FROM replayed_rows
             WHERE run_id = $1 AND file = $2 AND row_index = $3 AND by_run <> $4",
        )
        .bind(&row.run)
        .bind(&row.file)
        .bind(row.index)
        .bind(by);
        if let Some(row) = writing.fetch_one(statement).await? {
            return Ok(Claimed::Taken { by: get(&row, "by_run")? });
        }
    }
    // No row was new, and none is another's: this replay has them already.
    Ok(Claimed::All)
}

/// Whether rows that a replay has taken were removed before.
async fn are_purged(writing: &mut Writing, by: &str) -> Result<bool, LedgerError> {
    let statement = sqlx::query(
        "SELECT purged_rows.row_index FROM purged_rows JOIN replayed_rows
           ON replayed_rows.run_id = purged_rows.run_id AND replayed_rows.file = purged_rows.file
              AND replayed_rows.row_index = purged_rows.row_index
         WHERE replayed_rows.by_run = $1 LIMIT 1",
    )
    .bind(by);
    Ok(writing.fetch_one(statement).await?.is_some())
}

/// Lets the rows go that a replay had taken.
pub(crate) async fn release_rows(writing: &mut Writing, by: &str) -> Result<(), LedgerError> {
    writing.execute(sqlx::query("DELETE FROM replayed_rows WHERE by_run = $1").bind(by)).await?;
    Ok(())
}

/// Tells it in the history of the runs whose rows a replay has put through.
pub(crate) async fn note_replayed(writing: &mut Writing, by: &str) -> Result<(), LedgerError> {
    let counting = sqlx::query(
        "SELECT run_id, COUNT(*) AS replayed FROM replayed_rows WHERE by_run = $1
         GROUP BY run_id ORDER BY run_id",
    )
    .bind(by);
    for row in writing.fetch(counting).await? {
        let (run, rows): (String, i64) = (get(&row, "run_id")?, get(&row, "replayed")?);
        let detail = json!({ "by": by, "rows": rows });
        writing.note(&run, "quarantine.replayed", Subject::RUN, &detail).await?;
    }
    Ok(())
}
