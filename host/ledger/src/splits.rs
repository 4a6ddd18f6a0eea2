//! Splits, the attempts at them, and the manifests that were accepted.

use serde::Serialize;
use sqlx::Row;

use crate::runs::json;
use crate::{Ledger, LedgerError, QuarantineEntry, failed, now_ms};

/// A split of a run.
#[derive(Debug, Clone, Serialize)]
pub struct SplitEntry {
    pub phase: String,
    pub split: String,
    pub descriptor: serde_json::Value,
    pub attempts: i64,
    pub last_error: Option<String>,
    /// Whether a manifest was accepted.
    pub accepted: bool,
}

/// The manifest of the one attempt at a split that counts.
#[derive(Debug, Clone, Serialize)]
pub struct AcceptedManifest {
    pub phase: String,
    pub split: String,
    pub attempt: String,
    pub accepted_ms: i64,
    pub manifest: serde_json::Value,
}

impl Ledger {
    /// Enters the splits of a phase: ids with descriptors.
    pub async fn add_splits(
        &self,
        run: &str,
        phase: &str,
        splits: &[(String, serde_json::Value)],
    ) -> Result<(), LedgerError> {
        let action = "enter splits";
        let mut transaction = self.pool.begin().await.map_err(failed(action))?;
        for (split, descriptor) in splits {
            sqlx::query(
                "INSERT INTO splits (run_id, phase, split, descriptor) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (run_id, phase, split) DO NOTHING",
            )
            .bind(run)
            .bind(phase)
            .bind(split)
            .bind(descriptor.to_string())
            .execute(&mut *transaction)
            .await
            .map_err(failed(action))?;
        }
        transaction.commit().await.map_err(failed(action))
    }

    /// Notes that an attempt at a split begins.
    pub async fn start_attempt(
        &self,
        run: &str,
        phase: &str,
        split: &str,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE splits SET attempts = attempts + 1 WHERE run_id = $1 AND phase = $2 AND split = $3",
        )
        .bind(run)
        .bind(phase)
        .bind(split)
        .execute(&self.pool)
        .await
        .map_err(failed("note an attempt"))?;
        Ok(())
    }

    /// Notes that an attempt at a split failed.
    pub async fn fail_attempt(
        &self,
        run: &str,
        phase: &str,
        split: &str,
        error: &str,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE splits SET last_error = $4 WHERE run_id = $1 AND phase = $2 AND split = $3",
        )
        .bind(run)
        .bind(phase)
        .bind(split)
        .bind(error)
        .execute(&self.pool)
        .await
        .map_err(failed("note a failed attempt"))?;
        Ok(())
    }

    /// Accepts the manifest of an attempt, with the index of the rows that it quarantined, unless one was
    /// accepted for that split before. Returns whether it was accepted.
    pub async fn accept(
        &self,
        run: &str,
        phase: &str,
        split: &str,
        attempt: &str,
        manifest: &serde_json::Value,
        quarantined: &[QuarantineEntry],
    ) -> Result<bool, LedgerError> {
        let action = "accept a manifest";
        let mut transaction = self.pool.begin().await.map_err(failed(action))?;
        let inserted = sqlx::query(
            "INSERT INTO manifests (run_id, phase, split, attempt, accepted_ms, manifest)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (run_id, phase, split) DO NOTHING",
        )
        .bind(run)
        .bind(phase)
        .bind(split)
        .bind(attempt)
        .bind(now_ms())
        .bind(manifest.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(failed(action))?;
        if inserted.rows_affected() == 0 {
            return Ok(false);
        }
        for entry in quarantined {
            sqlx::query(
                "INSERT INTO quarantine (run_id, step, phase, split, rule, column_name, row_count, file)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(run)
            .bind(&entry.step)
            .bind(phase)
            .bind(split)
            .bind(&entry.rule)
            .bind(entry.column.as_deref().unwrap_or_default())
            .bind(entry.rows)
            .bind(&entry.file)
            .execute(&mut *transaction)
            .await
            .map_err(failed(action))?;
        }
        transaction.commit().await.map_err(failed(action))?;
        Ok(true)
    }

    /// The manifests that were accepted for a run, by phase and split.
    pub async fn manifests(&self, run: &str) -> Result<Vec<AcceptedManifest>, LedgerError> {
        let rows = sqlx::query("SELECT * FROM manifests WHERE run_id = $1 ORDER BY phase, split")
            .bind(run)
            .fetch_all(&self.pool)
            .await
            .map_err(failed("list manifests"))?;
        rows.iter()
            .map(|row| {
                Ok(AcceptedManifest {
                    phase: row.get("phase"),
                    split: row.get("split"),
                    attempt: row.get("attempt"),
                    accepted_ms: row.get("accepted_ms"),
                    manifest: json(row.get("manifest"), "manifest")?,
                })
            })
            .collect()
    }

    /// The splits of a run, by phase and split.
    pub async fn splits(&self, run: &str) -> Result<Vec<SplitEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT splits.*, manifests.attempt IS NOT NULL AS accepted
             FROM splits LEFT JOIN manifests
               ON manifests.run_id = splits.run_id AND manifests.phase = splits.phase
              AND manifests.split = splits.split
             WHERE splits.run_id = $1 ORDER BY splits.phase, splits.split",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list splits"))?;
        rows.iter()
            .map(|row| {
                Ok(SplitEntry {
                    phase: row.get("phase"),
                    split: row.get("split"),
                    descriptor: json(row.get("descriptor"), "split descriptor")?,
                    attempts: row.get("attempts"),
                    last_error: row.get("last_error"),
                    accepted: row.get::<bool, _>("accepted"),
                })
            })
            .collect()
    }
}
