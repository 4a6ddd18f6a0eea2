//! Phases: what is to be done, as it was planned once. A run that is resumed does what its plan says, not what planning would say now.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::commit::CursorEntry;
use crate::reading::{get, parse, small};
use crate::writing::{Statement, Subject, Writing};
use crate::{Ledger, LedgerError, failed};

/// A phase that is to be entered.
#[derive(Debug)]
pub struct NewPhase<'a> {
    pub phase: &'a str,
    pub level: u32,
    /// Of all that the splits depend on.
    pub digest: &'a str,
    pub splits: &'a [NewSplit],
    /// The cursors of each source that was planned, as planning saw them; also where there were none.
    pub cursors: &'a [(String, Vec<CursorEntry>)],
}

/// A split that is to be entered.
#[derive(Debug, Clone)]
pub struct NewSplit {
    pub id: String,
    pub lane: u32,
    /// Orders the splits of a phase.
    pub position: u32,
    pub descriptor: Value,
}

/// A phase of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhaseEntry {
    pub phase: String,
    pub level: u32,
    /// The order of entering, within the run.
    pub ordinal: i64,
    /// Empty where an older version entered it.
    pub digest: String,
}

impl Ledger {
    /// Enters a phase with its splits and the cursors that planning saw. A phase that is there stays as it is.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or the run does not go on.
    pub async fn add_phase(&self, run: &str, new: &NewPhase<'_>) -> Result<(), LedgerError> {
        let mut writing = self.write("enter a phase").await?;
        writing.number_of_plan(run).await?;
        let entering = sqlx::query(
            "INSERT INTO phases (run_id, phase, ordinal, level, digest)
             SELECT $1, $2, COALESCE(MAX(ordinal), 0) + 1, $3, $4 FROM phases WHERE run_id = $1
             ON CONFLICT (run_id, phase) DO NOTHING",
        )
        .bind(run)
        .bind(new.phase)
        .bind(i64::from(new.level))
        .bind(new.digest);
        if writing.execute(entering).await? == 0 {
            return Ok(());
        }
        let into = "splits (run_id, phase, split, descriptor, lane, position)";
        let bind = |statement: Statement, split: &NewSplit| {
            statement
                .bind(run.to_owned())
                .bind(new.phase.to_owned())
                .bind(split.id.clone())
                .bind(split.descriptor.to_string())
                .bind(i64::from(split.lane))
                .bind(i64::from(split.position))
        };
        writing.insert(into, "", new.splits, bind).await?;
        for (source, cursors) in new.cursors {
            let cursors: BTreeMap<&str, &str> = cursors
                .iter()
                .map(|cursor| (cursor.split.as_str(), cursor.position.as_str()))
                .collect();
            let statement = sqlx::query(
                "INSERT INTO base_cursors (run_id, phase, source, cursors) VALUES ($1, $2, $3, $4)",
            )
            .bind(run)
            .bind(new.phase)
            .bind(source)
            .bind(json!(cursors).to_string());
            writing.execute(statement).await?;
        }
        let detail = json!({ "level": new.level, "splits": new.splits.len() });
        writing.note_numbered(run, "phase.planned", Subject::phase(new.phase), &detail).await?;
        writing.commit().await
    }

    /// The phases of a run, by level, and in the order of entering.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn phases(&self, run: &str) -> Result<Vec<PhaseEntry>, LedgerError> {
        let rows = sqlx::query("SELECT * FROM phases WHERE run_id = $1 ORDER BY level, ordinal")
            .bind(run)
            .fetch_all(&self.pool)
            .await
            .map_err(failed("list phases"))?;
        rows.iter()
            .map(|row| {
                Ok(PhaseEntry {
                    phase: get(row, "phase")?,
                    level: small(row, "level")?,
                    ordinal: get(row, "ordinal")?,
                    digest: get(row, "digest")?,
                })
            })
            .collect()
    }

    /// Takes a phase out of the plan, with all that was done for it: it is planned and done anew.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or the run does not go on.
    pub async fn drop_phase(
        &self,
        run: &str,
        phase: &str,
        reason: &str,
    ) -> Result<(), LedgerError> {
        let mut writing = self.write("drop a phase").await?;
        writing.number_of_plan(run).await?;
        for deleting in [
            "DELETE FROM quarantine WHERE run_id = $1 AND phase = $2",
            "DELETE FROM manifests WHERE run_id = $1 AND phase = $2",
            "DELETE FROM splits WHERE run_id = $1 AND phase = $2",
            "DELETE FROM base_cursors WHERE run_id = $1 AND phase = $2",
            "DELETE FROM phases WHERE run_id = $1 AND phase = $2",
        ] {
            writing.execute(sqlx::query(deleting).bind(run).bind(phase)).await?;
        }
        let detail = json!({ "reason": reason });
        writing.note_numbered(run, "phase.dropped", Subject::phase(phase), &detail).await?;
        writing.commit().await
    }
}

/// The cursors that the planning of a run saw, split by split, source by source; a source that several phases read comes
/// several times.
pub(crate) async fn base_cursors(
    writing: &mut Writing,
    run: &str,
) -> Result<Vec<(String, BTreeMap<String, String>)>, LedgerError> {
    let statement = sqlx::query(
        "SELECT source, cursors FROM base_cursors WHERE run_id = $1 ORDER BY source, phase",
    )
    .bind(run);
    let rows = writing.fetch(statement).await?;
    rows.iter()
        .map(|row| Ok((get(row, "source")?, parse(get(row, "cursors")?, "base cursors")?)))
        .collect()
}
