//! Runs: entering them, and looking for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::reading::{get, json as json_of, parse};
use crate::replays::{Claimed, RowRef, claim_rows};
use crate::writing::Subject;
use crate::{Ledger, LedgerError, failed};

/// How far a run is, or how it ended.
///
/// ```text
///              ┌─────────── resumed ──────────┐
///              ▼                              │
///   entered ─▶ running ─▶ failed, refused, interrupted
///              │     └──────────┴─────────────┴──▶ aborted
///              ▼
///              committing ─▶ succeeded
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Splits are being read, processed and staged. Nothing is published.
    Running,
    /// All manifests are accepted and the gate is passed; sinks are being published one after another. It can only be finished.
    Committing,
    /// All is published.
    Succeeded,
    /// Nothing is published; it can be resumed.
    Failed,
    /// A gate refused the data; nothing is published, and it can be resumed.
    Refused,
    /// Stopped from outside; nothing is published, and it can be resumed.
    Interrupted,
    /// Given up; nothing is published, and it is over.
    Aborted,
}

impl RunStatus {
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Committing,
        Self::Succeeded,
        Self::Failed,
        Self::Refused,
        Self::Interrupted,
        Self::Aborted,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Committing => "committing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
            Self::Aborted => "aborted",
        }
    }

    /// Whether nothing can become of the run any more.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Aborted)
    }

    pub(crate) fn parse(name: &str) -> Result<Self, LedgerError> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| LedgerError::Corrupt { what: "run status", value: name.to_owned() })
    }
}

/// What a run puts through the pipeline.
#[derive(Debug, Clone)]
pub enum RunKind {
    /// What its sources give.
    Run,
    /// Quarantined rows of the run `of`.
    Replay { of: String, rows: Vec<RowRef> },
}

/// The name of a [`RunKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunKindName {
    Run,
    Replay,
}

impl RunKindName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Replay => "replay",
        }
    }

    fn parse(name: &str) -> Result<Self, LedgerError> {
        [Self::Run, Self::Replay]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| LedgerError::Corrupt { what: "kind of run", value: name.to_owned() })
    }
}

/// A run that is to be entered.
#[derive(Debug)]
pub struct NewRun<'a> {
    /// See [`check_run_id`].
    pub id: &'a str,
    pub pipeline: &'a str,
    /// Digest of the pipeline file, and of all that it names.
    pub file_digest: &'a str,
    pub kind: RunKind,
    /// What the run depends on, so that it can be told later what has changed since.
    pub fingerprint: &'a Value,
    pub started_ms: i64,
}

/// What became of entering a run.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one is made per run")]
pub enum Entered {
    New,
    /// There was a run of that id. Nothing was changed.
    Exists(Run),
    /// Another replay has taken some of the rows. Nothing was entered.
    RowsTaken {
        by: String,
    },
    /// Some of the rows are removed. Nothing was entered.
    RowsPurged,
}

/// A run as the ledger knows it.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    pub id: String,
    pub pipeline: String,
    pub file_digest: String,
    pub status: RunStatus,
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    pub error: Option<String>,
    /// What the run did, step by step.
    pub summary: Option<Value>,
    /// The order in which runs were entered.
    pub ordinal: i64,
    pub kind: RunKindName,
    /// The run whose rows a replay puts through.
    pub replays: Option<String>,
    /// What the run depends on; null where an older version entered it.
    pub fingerprint: Value,
    /// How often the run was claimed.
    pub epoch: i64,
}

/// Whether `id` can name a run: a letter or digit, and up to 99 more or any of `._:+-`. Files are named after it.
///
/// # Errors
///
/// When it cannot.
pub fn check_run_id(id: &str) -> Result<(), LedgerError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:+-".contains(&byte);
    let begins_well = id.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    if begins_well && id.len() <= 100 && id.bytes().all(allowed) {
        return Ok(());
    }
    Err(LedgerError::RunId { id: id.to_owned() })
}

impl Ledger {
    /// Enters a run, after all others.
    ///
    /// # Errors
    ///
    /// When the ledger fails, the id cannot be one, or the run that is replayed does not exist.
    pub async fn enter_run(&self, new: &NewRun<'_>) -> Result<Entered, LedgerError> {
        check_run_id(new.id)?;
        let mut writing = self.write("enter a run").await?;
        let counting = "UPDATE counters SET value = value + 1 WHERE name = 'runs' RETURNING value";
        let ordinal: i64 = match writing.fetch_one(sqlx::query(counting)).await? {
            Some(row) => get(&row, "value")?,
            None => {
                return Err(LedgerError::Corrupt {
                    what: "counter of runs",
                    value: "none".to_owned(),
                });
            }
        };
        let same = sqlx::query("SELECT * FROM runs WHERE id = $1").bind(new.id);
        if let Some(row) = writing.fetch_one(same).await? {
            return Ok(Entered::Exists(run(&row)?));
        }
        let (kind, replays) = match &new.kind {
            RunKind::Run => (RunKindName::Run, None),
            RunKind::Replay { of, .. } => {
                // An error where there is none.
                writing.state(of).await?;
                (RunKindName::Replay, Some(of.as_str()))
            }
        };
        let entering = sqlx::query(
            "INSERT INTO runs (id, pipeline, file_digest, status, started_ms, ordinal, kind, replays, fingerprint)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(new.id)
        .bind(new.pipeline)
        .bind(new.file_digest)
        .bind(RunStatus::Running.name())
        .bind(new.started_ms)
        .bind(ordinal)
        .bind(kind.name())
        .bind(replays)
        .bind(new.fingerprint.to_string());
        writing.execute(entering).await?;
        let mut detail = json!({ "kind": kind.name() });
        if let RunKind::Replay { of, rows } = &new.kind {
            match claim_rows(&mut writing, new.id, rows).await? {
                Claimed::All => {}
                Claimed::Taken { by } => return Ok(Entered::RowsTaken { by }),
                Claimed::Purged => return Ok(Entered::RowsPurged),
            }
            detail["replays"] = json!(of);
            detail["rows"] = json!(rows.len());
        }
        writing.note(new.id, "run.entered", Subject::RUN, &detail).await?;
        writing.commit().await?;
        Ok(Entered::New)
    }

    /// The latest runs, newest first; of one pipeline where named.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn runs(&self, pipeline: Option<&str>, limit: u32) -> Result<Vec<Run>, LedgerError> {
        let rows = sqlx::query(
            "SELECT * FROM runs WHERE $1 IS NULL OR pipeline = $1 ORDER BY ordinal DESC LIMIT $2",
        )
        .bind(pipeline)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list runs"))?;
        rows.iter().map(run).collect()
    }

    /// The run whose id is, or uniquely begins with, `id`.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn run(&self, id: &str) -> Result<Option<Run>, LedgerError> {
        let rows = sqlx::query(
            "SELECT * FROM runs WHERE substr(id, 1, length($1)) = $1 ORDER BY length(id) LIMIT 2",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("find a run"))?;
        let runs: Vec<Run> = rows.iter().map(run).collect::<Result<_, _>>()?;
        Ok(match runs.as_slice() {
            [only] => Some(only.clone()),
            [first, ..] if first.id == id => Some(first.clone()),
            _ => None,
        })
    }

    /// The runs of a pipeline of which something may still become, in the order of entering.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn unfinished(&self, pipeline: &str) -> Result<Vec<Run>, LedgerError> {
        let rows = sqlx::query(
            "SELECT * FROM runs WHERE pipeline = $1 AND status NOT IN ($2, $3) ORDER BY ordinal",
        )
        .bind(pipeline)
        .bind(RunStatus::Succeeded.name())
        .bind(RunStatus::Aborted.name())
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list unfinished runs"))?;
        rows.iter().map(run).collect()
    }

    /// The latest run of a pipeline that succeeded; replays do not count.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn latest_success(&self, pipeline: &str) -> Result<Option<Run>, LedgerError> {
        let row = sqlx::query(
            "SELECT * FROM runs WHERE pipeline = $1 AND status = $2 AND kind = $3
             ORDER BY ordinal DESC LIMIT 1",
        )
        .bind(pipeline)
        .bind(RunStatus::Succeeded.name())
        .bind(RunKindName::Run.name())
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("find the latest run"))?;
        row.as_ref().map(run).transpose()
    }

    /// How far runs are; those that the ledger does not know are left out.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn statuses(
        &self,
        ids: &[String],
    ) -> Result<BTreeMap<String, RunStatus>, LedgerError> {
        let mut statuses = BTreeMap::new();
        for ids in ids.chunks(1000) {
            let places: Vec<String> = (1..=ids.len()).map(|number| format!("${number}")).collect();
            let sql = format!("SELECT id, status FROM runs WHERE id IN ({})", places.join(", "));
            let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for id in ids {
                query = query.bind(id);
            }
            let rows =
                query.fetch_all(&self.pool).await.map_err(failed("look up the status of runs"))?;
            for row in &rows {
                statuses.insert(get(row, "id")?, RunStatus::parse(get(row, "status")?)?);
            }
        }
        Ok(statuses)
    }
}

fn run(row: &AnyRow) -> Result<Run, LedgerError> {
    let summary: Option<String> = get(row, "summary")?;
    Ok(Run {
        id: get(row, "id")?,
        pipeline: get(row, "pipeline")?,
        file_digest: get(row, "file_digest")?,
        status: RunStatus::parse(get(row, "status")?)?,
        started_ms: get(row, "started_ms")?,
        ended_ms: get(row, "ended_ms")?,
        error: get(row, "error")?,
        summary: summary.map(|summary| parse(&summary, "run summary")).transpose()?,
        ordinal: get(row, "ordinal")?,
        kind: RunKindName::parse(get(row, "kind")?)?,
        replays: get(row, "replays")?,
        fingerprint: json_of(row, "fingerprint")?,
        epoch: get(row, "epoch")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_can_be_names_of_files() {
        let long = "a".repeat(100);
        for id in ["a", "7", "2026-07-30T06:00:00+02:00", "scheduled__2026.1_x", &long] {
            assert!(check_run_id(id).is_ok(), "{id}");
        }
        let longer = "a".repeat(101);
        for id in ["", ".", "..", "-x", "a/b", "a b", "ä", "a\0", "a\n", &longer] {
            assert!(check_run_id(id).is_err(), "{id:?}");
        }
    }

    #[test]
    fn names_of_statuses_are_those_that_are_serialized() {
        for status in RunStatus::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), json!(status.name()));
            assert_eq!(RunStatus::parse(status.name()).unwrap(), status);
        }
        assert!(RunStatus::parse("lost").is_err());
    }
}
