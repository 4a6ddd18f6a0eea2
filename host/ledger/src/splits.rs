//! Splits, the attempts at them, and the manifests that were accepted.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::quarantine::{QuarantineEntry, index};
use crate::reading::{get, json as json_of, small};
use crate::runs::RunStatus;
use crate::writing::{Subject, message};
use crate::{Ledger, LedgerError, failed, now_ms};

/// A split of a run.
#[derive(Debug, Clone, Serialize)]
pub struct SplitEntry {
    pub phase: String,
    pub level: u32,
    pub lane: u32,
    /// Orders the splits of a phase.
    pub position: u32,
    pub split: String,
    pub descriptor: Value,
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
    pub manifest: Value,
}

/// Whether an attempt counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It does.
    Accepted,
    /// Another one at the same split does, so this one never happened.
    AnotherCounts { attempt: String },
    /// The run does not go on, so no attempt counts; or it goes on in another epoch, where it is running.
    Closed(RunStatus),
}

impl Ledger {
    /// Notes that an attempt at a split begins. `process` is for people who read the history.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn start_attempt(
        &self,
        run: &str,
        phase: &str,
        split: &str,
        attempt: &str,
        process: &str,
    ) -> Result<(), LedgerError> {
        let mut writing = self.write_soon("note an attempt").await?;
        let subject = Subject::attempt(phase, split, attempt);
        writing.note(run, "attempt.started", subject, &json!({ "process": process })).await?;
        let statement = sqlx::query(
            "UPDATE splits SET attempts = attempts + 1 WHERE run_id = $1 AND phase = $2 AND split = $3",
        )
        .bind(run)
        .bind(phase)
        .bind(split);
        writing.execute(statement).await?;
        writing.commit().await
    }

    /// Notes that an attempt at a split failed, and in what time there is another one, if there is.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn fail_attempt(
        &self,
        run: &str,
        phase: &str,
        split: &str,
        attempt: &str,
        error: &str,
        retry_in: Option<Duration>,
    ) -> Result<(), LedgerError> {
        let mut writing = self.write_soon("note a failed attempt").await?;
        let retry_in_ms = retry_in.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        let detail = json!({ "error": error, "retry_in_ms": retry_in_ms });
        let subject = Subject::attempt(phase, split, attempt);
        writing.note(run, "attempt.failed", subject, &detail).await?;
        let statement = sqlx::query(
            "UPDATE splits SET last_error = $4 WHERE run_id = $1 AND phase = $2 AND split = $3",
        )
        .bind(run)
        .bind(phase)
        .bind(split)
        .bind(message(error));
        writing.execute(statement).await?;
        writing.commit().await
    }

    /// Accepts the manifest of an attempt, with the index of the rows that it quarantined, if the run goes on and none was
    /// accepted for that split before. Can be repeated: the attempt that counts is accepted again.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run or split.
    pub async fn accept(
        &self,
        run: &str,
        phase: &str,
        split: &str,
        attempt: &str,
        manifest: &Value,
        quarantined: &[QuarantineEntry],
    ) -> Result<Acceptance, LedgerError> {
        let mut writing = self.write_soon("accept a manifest").await?;
        if let Err(status) = writing.number_if_running(run).await? {
            return Ok(Acceptance::Closed(status));
        }
        let accepting = sqlx::query(
            "INSERT INTO manifests (run_id, phase, split, attempt, accepted_ms, manifest)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (run_id, phase, split) DO NOTHING",
        )
        .bind(run)
        .bind(phase)
        .bind(split)
        .bind(attempt)
        .bind(now_ms())
        .bind(manifest.to_string());
        if writing.execute(accepting).await? == 0 {
            let statement = sqlx::query(
                "SELECT attempt FROM manifests WHERE run_id = $1 AND phase = $2 AND split = $3",
            )
            .bind(run)
            .bind(phase)
            .bind(split);
            let row = writing.fetch_one(statement).await?;
            let counts: Option<String> = row.map(|row| get(&row, "attempt")).transpose()?;
            return Ok(match counts {
                Some(counts) if counts != attempt => Acceptance::AnotherCounts { attempt: counts },
                _ => Acceptance::Accepted,
            });
        }
        index(&mut writing, run, phase, split, quarantined).await?;
        let subject = Subject::attempt(phase, split, attempt);
        writing.note_numbered(run, "attempt.accepted", subject, &json!({})).await?;
        writing.commit().await?;
        Ok(Acceptance::Accepted)
    }

    /// Waits until all that was accepted is on disk: it survives the loss of power from then on.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn settle(&self) -> Result<(), LedgerError> {
        let mut writing = self.write("write what was accepted to disk").await?;
        // Anything that is written is on disk after all that was written before.
        writing.alone().await?;
        writing.commit().await
    }

    /// Takes back that an attempt at a split counts, as when the files that it staged are gone: the split is done anew.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or the run does not go on.
    pub async fn drop_manifest(
        &self,
        run: &str,
        phase: &str,
        split: &str,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let mut writing = self.write("drop a manifest").await?;
        writing.number_of_plan(run).await?;
        for deleting in [
            "DELETE FROM quarantine WHERE run_id = $1 AND phase = $2 AND split = $3",
            "DELETE FROM manifests WHERE run_id = $1 AND phase = $2 AND split = $3",
        ] {
            writing.execute(sqlx::query(deleting).bind(run).bind(phase).bind(split)).await?;
        }
        let detail = json!({ "reason": reason });
        writing.note_numbered(run, "split.dropped", Subject::split(phase, split), &detail).await?;
        writing.commit().await
    }

    /// The manifests that were accepted for a run, in the order of phases and splits.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn manifests(&self, run: &str) -> Result<Vec<AcceptedManifest>, LedgerError> {
        let rows = sqlx::query(
            "SELECT manifests.* FROM manifests
             JOIN splits ON splits.run_id = manifests.run_id AND splits.phase = manifests.phase
                        AND splits.split = manifests.split
             JOIN phases ON phases.run_id = splits.run_id AND phases.phase = splits.phase
             WHERE manifests.run_id = $1
             ORDER BY phases.level, phases.ordinal, splits.position, splits.split",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list manifests"))?;
        rows.iter()
            .map(|row| {
                Ok(AcceptedManifest {
                    phase: get(row, "phase")?,
                    split: get(row, "split")?,
                    attempt: get(row, "attempt")?,
                    accepted_ms: get(row, "accepted_ms")?,
                    manifest: json_of(row, "manifest")?,
                })
            })
            .collect()
    }

    /// The splits of a run, in the order of phases and splits.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn splits(&self, run: &str) -> Result<Vec<SplitEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT splits.*, phases.level, manifests.attempt AS accepted_attempt FROM splits
             JOIN phases ON phases.run_id = splits.run_id AND phases.phase = splits.phase
             LEFT JOIN manifests
               ON manifests.run_id = splits.run_id AND manifests.phase = splits.phase
              AND manifests.split = splits.split
             WHERE splits.run_id = $1
             ORDER BY phases.level, phases.ordinal, splits.position, splits.split",
        )
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list splits"))?;
        rows.iter()
            .map(|row| {
                let accepted: Option<String> = get(row, "accepted_attempt")?;
                Ok(SplitEntry {
                    phase: get(row, "phase")?,
                    level: small(row, "level")?,
                    lane: small(row, "lane")?,
                    position: small(row, "position")?,
                    split: get(row, "split")?,
                    descriptor: json_of(row, "descriptor")?,
                    attempts: get(row, "attempts")?,
                    last_error: get(row, "last_error")?,
                    accepted: accepted.is_some(),
                })
            })
            .collect()
    }
}
