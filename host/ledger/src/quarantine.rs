//! The index of quarantined rows: how many, why, and in which file they are.

use serde::{Deserialize, Serialize};

use crate::reading::get;
use crate::writing::{Statement, Writing};
use crate::{Ledger, LedgerError, failed};

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
