//! The index of quarantined rows: how many, why, and in which file they are.

use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::{Ledger, LedgerError, failed};

/// Rows that one step held back from one split for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    pub step: String,
    pub split: String,
    pub rule: String,
    pub column: Option<String>,
    pub rows: i64,
    /// The file that holds the rows, whole.
    pub file: String,
}

impl Ledger {
    /// What a run holds in quarantine, by step, rule and split.
    pub async fn quarantine(&self, run: &str) -> Result<Vec<QuarantineEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT * FROM quarantine WHERE run_id = $1 ORDER BY step, rule, column_name, split",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list the quarantine"))?;
        Ok(rows
            .iter()
            .map(|row| {
                let column: String = row.get("column_name");
                QuarantineEntry {
                    step: row.get("step"),
                    split: row.get("split"),
                    rule: row.get("rule"),
                    column: (!column.is_empty()).then_some(column),
                    rows: row.get("row_count"),
                    file: row.get("file"),
                }
            })
            .collect())
    }
}
