//! Runs, their commits, and the cursors that commits move.

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::{Ledger, LedgerError, failed, now_ms};

/// How far a run is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Splits are being read, processed and staged. Nothing is published.
    Running,
    /// All manifests are accepted and the gate is passed; sinks are being published one after another.
    Committing,
    Succeeded,
    /// Nothing was published, but for sinks that its commits name: a later one could not be.
    Failed,
    /// A gate refused the data; nothing was published.
    Refused,
    /// Stopped from outside; nothing was published.
    Interrupted,
}

impl RunStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Committing => "committing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }

    fn parse(name: &str) -> Result<Self, LedgerError> {
        [
            Self::Running,
            Self::Committing,
            Self::Succeeded,
            Self::Failed,
            Self::Refused,
            Self::Interrupted,
        ]
        .into_iter()
        .find(|status| status.name() == name)
        .ok_or_else(|| LedgerError::Corrupt { what: "run status", value: name.to_owned() })
    }
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
    pub summary: Option<serde_json::Value>,
}

/// A sink that was published.
#[derive(Debug, Clone, Serialize)]
pub struct Commit {
    pub sink: String,
    pub committed_ms: i64,
    pub report: serde_json::Value,
}

/// Where the next run of a pipeline goes on reading a split of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorEntry {
    pub source: String,
    pub split: String,
    pub position: String,
}

impl Ledger {
    /// Enters a new run.
    pub async fn start_run(
        &self,
        id: &str,
        pipeline: &str,
        file_digest: &str,
        started_ms: i64,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO runs (id, pipeline, file_digest, status, started_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(pipeline)
        .bind(file_digest)
        .bind(RunStatus::Running.name())
        .bind(started_ms)
        .execute(&self.pool)
        .await
        .map_err(failed("enter a run"))?;
        Ok(())
    }

    /// Marks that publishing has begun: from here on a run is finished, not given up.
    pub async fn start_commit(&self, run: &str) -> Result<(), LedgerError> {
        sqlx::query("UPDATE runs SET status = $2 WHERE id = $1")
            .bind(run)
            .bind(RunStatus::Committing.name())
            .execute(&self.pool)
            .await
            .map_err(failed("mark a run as committing"))?;
        Ok(())
    }

    /// Notes that a sink was published.
    pub async fn add_commit(
        &self,
        run: &str,
        sink: &str,
        report: &serde_json::Value,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO commits (run_id, sink, committed_ms, report) VALUES ($1, $2, $3, $4)
             ON CONFLICT (run_id, sink) DO NOTHING",
        )
        .bind(run)
        .bind(sink)
        .bind(now_ms())
        .bind(report.to_string())
        .execute(&self.pool)
        .await
        .map_err(failed("note a commit"))?;
        Ok(())
    }

    /// Ends a run; the cursors of a run that succeeded move in the same transaction.
    pub async fn end_run(
        &self,
        run: &str,
        status: RunStatus,
        error: Option<&str>,
        summary: &serde_json::Value,
        cursors: &[CursorEntry],
    ) -> Result<(), LedgerError> {
        let action = "end a run";
        let mut transaction = self.pool.begin().await.map_err(failed(action))?;
        sqlx::query(
            "UPDATE runs SET status = $2, ended_ms = $3, error = $4, summary = $5 WHERE id = $1",
        )
        .bind(run)
        .bind(status.name())
        .bind(now_ms())
        .bind(error)
        .bind(summary.to_string())
        .execute(&mut *transaction)
        .await
        .map_err(failed(action))?;
        for cursor in cursors {
            sqlx::query(
                "INSERT INTO cursors (pipeline, source, split, position, run_id)
                 SELECT pipeline, $2, $3, $4, id FROM runs WHERE id = $1
                 ON CONFLICT (pipeline, source, split)
                 DO UPDATE SET position = excluded.position, run_id = excluded.run_id",
            )
            .bind(run)
            .bind(&cursor.source)
            .bind(&cursor.split)
            .bind(&cursor.position)
            .execute(&mut *transaction)
            .await
            .map_err(failed(action))?;
        }
        transaction.commit().await.map_err(failed(action))
    }

    /// The latest runs, newest first; of one pipeline where named.
    pub async fn runs(&self, pipeline: Option<&str>, limit: u32) -> Result<Vec<Run>, LedgerError> {
        let rows = sqlx::query(
            "SELECT * FROM runs WHERE $1 IS NULL OR pipeline = $1
             ORDER BY started_ms DESC, id DESC LIMIT $2",
        )
        .bind(pipeline)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list runs"))?;
        rows.iter().map(run).collect()
    }

    /// The run whose id is, or uniquely begins with, `id`.
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

    /// The sinks that a run published.
    pub async fn commits(&self, run: &str) -> Result<Vec<Commit>, LedgerError> {
        let rows =
            sqlx::query("SELECT * FROM commits WHERE run_id = $1 ORDER BY committed_ms, sink")
                .bind(run)
                .fetch_all(&self.pool)
                .await
                .map_err(failed("list commits"))?;
        rows.iter()
            .map(|row| {
                Ok(Commit {
                    sink: row.get("sink"),
                    committed_ms: row.get("committed_ms"),
                    report: json(row.get("report"), "commit report")?,
                })
            })
            .collect()
    }

    /// Where the next run of `pipeline` goes on reading `source`.
    pub async fn cursors(
        &self,
        pipeline: &str,
        source: &str,
    ) -> Result<Vec<CursorEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT source, split, position FROM cursors WHERE pipeline = $1 AND source = $2 ORDER BY split",
        )
        .bind(pipeline)
        .bind(source)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read cursors"))?;
        Ok(rows
            .iter()
            .map(|row| CursorEntry {
                source: row.get("source"),
                split: row.get("split"),
                position: row.get("position"),
            })
            .collect())
    }
}

fn run(row: &SqliteRow) -> Result<Run, LedgerError> {
    let summary: Option<String> = row.get("summary");
    Ok(Run {
        id: row.get("id"),
        pipeline: row.get("pipeline"),
        file_digest: row.get("file_digest"),
        status: RunStatus::parse(row.get("status"))?,
        started_ms: row.get("started_ms"),
        ended_ms: row.get("ended_ms"),
        error: row.get("error"),
        summary: summary.map(|summary| json(summary, "run summary")).transpose()?,
    })
}

pub(crate) fn json(text: String, what: &'static str) -> Result<serde_json::Value, LedgerError> {
    serde_json::from_str(&text).map_err(|_| LedgerError::Corrupt { what, value: text })
}
