//! The index of quarantined rows: how many, why, and in which file they are.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::reading::get;
use crate::writing::{Statement, Subject, Writing};
use crate::{Ledger, LedgerError, failed, now_ms};

/// Rows that one step held back from one split for one reason. A row with several reasons is counted by each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    pub step: String,
    pub phase: String,
    pub split: String,
    pub rule: String,
    pub column: Option<String>,
    pub rows: i64,
    /// The file that holds the rows, whole.
    pub file: String,
    /// When the file was removed.
    pub purged_ms: Option<i64>,
}

impl Ledger {
    /// What a run held back, by step, rule, column, phase and split.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn quarantine(&self, run: &str) -> Result<Vec<QuarantineEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT * FROM quarantine WHERE run_id = $1
             ORDER BY step, rule, column_name, phase, split",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list the quarantine"))?;
        rows.iter()
            .map(|row| {
                let column: String = get(row, "column_name")?;
                Ok(QuarantineEntry {
                    step: get(row, "step")?,
                    phase: get(row, "phase")?,
                    split: get(row, "split")?,
                    rule: get(row, "rule")?,
                    column: (!column.is_empty()).then_some(column),
                    rows: get(row, "row_count")?,
                    file: get(row, "file")?,
                    purged_ms: get(row, "purged_ms")?,
                })
            })
            .collect()
    }

    /// Notes that quarantine files of a run are removed. Returns how many rows the index counts in those of them that had not
    /// been removed before.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn purge_quarantine(&self, run: &str, files: &[String]) -> Result<u64, LedgerError> {
        let mut writing = self.write("note that quarantined rows are removed").await?;
        writing.number(run).await?;
        let mut rows = 0;
        let mut purged = Vec::new();
        for file in files {
            let statement = sqlx::query(
                "UPDATE quarantine SET purged_ms = $3
                 WHERE run_id = $1 AND file = $2 AND purged_ms IS NULL RETURNING row_count",
            )
            .bind(run)
            .bind(file)
            .bind(now_ms());
            let counts = writing.fetch(statement).await?;
            if counts.is_empty() {
                continue;
            }
            purged.push(file);
            for count in &counts {
                let count: i64 = get(count, "row_count")?;
                rows += u64::try_from(count).unwrap_or_default();
            }
        }
        if purged.is_empty() {
            return Ok(0);
        }
        let detail = json!({ "rows": rows, "files": purged });
        writing.note_numbered(run, "quarantine.purged", Subject::RUN, &detail).await?;
        writing.commit().await?;
        Ok(rows)
    }
}

/// Adds to the index what an attempt held back.
pub(crate) async fn index(
    writing: &mut Writing,
    run: &str,
    phase: &str,
    split: &str,
    entries: &[QuarantineEntry],
) -> Result<(), LedgerError> {
    let into = "quarantine (run_id, step, phase, split, rule, column_name, row_count, file)";
    let bind = |statement: Statement, entry: &QuarantineEntry| {
        statement
            .bind(run.to_owned())
            .bind(entry.step.clone())
            .bind(phase.to_owned())
            .bind(split.to_owned())
            .bind(entry.rule.clone())
            .bind(entry.column.clone().unwrap_or_default())
            .bind(entry.rows)
            .bind(entry.file.clone())
    };
    writing.insert(into, "", entries, bind).await?;
    Ok(())
}
