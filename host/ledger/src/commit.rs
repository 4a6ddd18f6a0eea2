//! Driving a run to its end: claimed, published once, ended.
//!
//! - With each claim the epoch of a run goes up by one. Who comes with an older one is told that the run was taken over, and
//!   changes nothing.
//! - A run that has begun to publish is `committing` until it has succeeded, whatever goes wrong meanwhile: some of it may be
//!   published, so it can only be finished.
//! - Cursors move in the transaction in which the run succeeds, and only if they still are where the run's planning found them
//!   when publishing began. So of two runs that read the same, one publishes.
//! - What is to be told of a run's end enters the outbox in the same transaction.

use serde::Serialize;
use serde_json::{Value, json};

use crate::outbox::{NewNotification, enqueue};
use crate::phases::base_cursors;
use crate::reading::{escaped, get, json as json_of, unescaped};
use crate::replays::{note_replayed, release_rows};
use crate::runs::{RunKindName, RunStatus};
use crate::writing::{Subject, Writing, message};
use crate::{Ledger, LedgerError, failed, now_ms};

/// The right to drive a run, until somebody else claims it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub run: String,
    pub epoch: i64,
    /// The status of the run before it was claimed.
    pub status: RunStatus,
}

/// Whether a run may publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitStart {
    /// It may, from now on or since before.
    Begun,
    /// Somebody else has claimed the run since.
    TakenOver,
    /// The run does not go on.
    Closed(RunStatus),
    /// The rows of a source that the run read are published by another run, as its cursors say, or are about to be.
    CursorsMoved { source: String, by: Option<String> },
    /// Another run of the pipeline has begun to publish, and not ended: it has to be finished before.
    AnotherPublishes { run: String },
}

/// How a run ends.
#[derive(Debug)]
pub struct EndOfRun<'a> {
    pub status: RunStatus,
    pub error: Option<&'a str>,
    pub summary: &'a Value,
    /// Where the next run goes on; only a run that succeeds moves them.
    pub cursors: &'a [CursorEntry],
    /// What is to be told.
    pub notifications: &'a [NewNotification],
}

/// Whether a run has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It has; these runs were given up because of it.
    Ended { superseded: Vec<String> },
    /// Somebody else has claimed the run since.
    TakenOver,
    /// It had ended before.
    Closed(RunStatus),
}

/// A sink that was published.
#[derive(Debug, Clone, Serialize)]
pub struct Commit {
    pub sink: String,
    pub committed_ms: i64,
    pub report: Value,
}

/// Where the next run of a pipeline goes on reading a split of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorEntry {
    pub source: String,
    pub split: String,
    pub position: String,
}

impl Ledger {
    /// Claims a run for a driver: whoever drove it before can publish nothing from now on. A run that has failed, was refused or
    /// interrupted goes on; one that is committing stays so; one that is over is left as it is, as its [`Claim::status`] says.
    /// `process` is for people who read the history.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn claim_run(&self, run: &str, process: &str) -> Result<Claim, LedgerError> {
        let mut writing = self.write("claim a run").await?;
        writing.alone().await?;
        let (status, epoch) = writing.state(run).await?;
        if status.is_final() {
            return Ok(Claim { run: run.to_owned(), epoch, status });
        }
        let goes_on = match status {
            RunStatus::Committing => RunStatus::Committing,
            _ => RunStatus::Running,
        };
        let epoch = epoch + 1;
        let claiming = sqlx::query(
            "UPDATE runs SET epoch = $2, status = $3, error = NULL, ended_ms = NULL, summary = NULL WHERE id = $1",
        )
        .bind(run)
        .bind(epoch)
        .bind(goes_on.name());
        writing.execute(claiming).await?;
        let detail = json!({ "process": process, "epoch": epoch, "status": status.name() });
        writing.note(run, "run.claimed", Subject::RUN, &detail).await?;
        writing.commit().await?;
        Ok(Claim { run: run.to_owned(), epoch, status })
    }

    /// Notes that a run is made of something else from now on, as its driver was told to accept. False where the run was taken
    /// over, or does not go on.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn change_run(
        &self,
        claim: &Claim,
        file_digest: &str,
        fingerprint: &Value,
        differences: &[String],
    ) -> Result<bool, LedgerError> {
        let mut writing = self.write("note what a run is made of").await?;
        let statement = sqlx::query(
            "UPDATE runs SET events = events + 1, file_digest = $4, fingerprint = $5
             WHERE id = $1 AND epoch = $2 AND status = $3",
        )
        .bind(&claim.run)
        .bind(claim.epoch)
        .bind(RunStatus::Running.name())
        .bind(file_digest)
        .bind(fingerprint.to_string());
        if writing.execute(statement).await? == 0 {
            return Ok(false);
        }
        let detail = json!({ "differences": differences });
        writing.note_numbered(&claim.run, "run.changed", Subject::RUN, &detail).await?;
        writing.commit().await?;
        Ok(true)
    }

    /// Marks that publishing begins: from here on a run is finished, not given up. Can be repeated.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn start_commit(&self, claim: &Claim) -> Result<CommitStart, LedgerError> {
        let mut writing = self.write("begin to publish a run").await?;
        writing.alone().await?;
        let run = claim.run.as_str();
        let (status, epoch) = writing.state(run).await?;
        if epoch != claim.epoch {
            return Ok(CommitStart::TakenOver);
        }
        match status {
            RunStatus::Running => {}
            RunStatus::Committing => return Ok(CommitStart::Begun),
            status => return Ok(CommitStart::Closed(status)),
        }
        if let Some((source, by)) = moved(&mut writing, run).await? {
            return Ok(CommitStart::CursorsMoved { source, by });
        }
        if let Some(run) = publishing(&mut writing, run).await? {
            return Ok(CommitStart::AnotherPublishes { run });
        }
        let statement = sqlx::query("UPDATE runs SET status = $2 WHERE id = $1")
            .bind(run)
            .bind(RunStatus::Committing.name());
        writing.execute(statement).await?;
        writing.note(run, "commit.begun", Subject::RUN, &json!({})).await?;
        writing.commit().await?;
        Ok(CommitStart::Begun)
    }

    /// Notes that a sink was published, once. False where the run was taken over, or is not committing.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn add_commit(
        &self,
        claim: &Claim,
        sink: &str,
        report: &Value,
    ) -> Result<bool, LedgerError> {
        let mut writing = self.write("note a commit").await?;
        let driven = sqlx::query(
            "UPDATE runs SET events = events + 1 WHERE id = $1 AND epoch = $2 AND status = $3",
        )
        .bind(&claim.run)
        .bind(claim.epoch)
        .bind(RunStatus::Committing.name());
        if writing.execute(driven).await? == 0 {
            return Ok(false);
        }
        let statement = sqlx::query(
            "INSERT INTO commits (run_id, sink, committed_ms, report) VALUES ($1, $2, $3, $4)
             ON CONFLICT (run_id, sink) DO NOTHING",
        )
        .bind(&claim.run)
        .bind(sink)
        .bind(now_ms())
        .bind(report.to_string());
        if writing.execute(statement).await? == 0 {
            // It is known, and its entry of the history too.
            return Ok(true);
        }
        let detail = json!({ "sink": sink, "report": report });
        writing.note_numbered(&claim.run, "sink.committed", Subject::RUN, &detail).await?;
        writing.commit().await?;
        Ok(true)
    }

    /// Ends a run, and all that belongs to it, at once: cursors move, events enter the outbox, rows that a replay had taken
    /// are let go where it is given up, and older runs of the pipeline are given up where a run succeeds: resuming one
    /// would publish old rows over new.
    ///
    /// A run that is committing and does not succeed stays committing, with the error: some of it may be published. Only giving it
    /// up ends it.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn end_run(&self, claim: &Claim, end: &EndOfRun<'_>) -> Result<Ended, LedgerError> {
        let mut writing = self.write("end a run").await?;
        writing.alone().await?;
        let run = claim.run.as_str();
        let (before, epoch) = writing.state(run).await?;
        if epoch != claim.epoch {
            return Ok(Ended::TakenOver);
        }
        if !matches!(before, RunStatus::Running | RunStatus::Committing) {
            return Ok(Ended::Closed(before));
        }
        let succeeds = end.status == RunStatus::Succeeded;
        let status = match before {
            // It can only be finished, or given up by somebody who insists.
            RunStatus::Committing if !succeeds && end.status != RunStatus::Aborted => {
                RunStatus::Committing
            }
            _ => end.status,
        };
        let ended_ms = (status != RunStatus::Committing).then(now_ms);
        let statement = sqlx::query(
            "UPDATE runs SET status = $2, ended_ms = $3, error = $4, summary = $5 WHERE id = $1",
        )
        .bind(run)
        .bind(status.name())
        .bind(ended_ms)
        .bind(end.error.map(message))
        .bind(end.summary.to_string());
        writing.execute(statement).await?;
        let detail = json!({ "status": status.name(), "error": end.error });
        writing.note(run, "run.ended", Subject::RUN, &detail).await?;
        enqueue(&mut writing, run, end.notifications).await?;
        let mut superseded = Vec::new();
        if succeeds {
            move_cursors(&mut writing, run, end.cursors).await?;
            note_replayed(&mut writing, run).await?;
            superseded = supersede(&mut writing, run).await?;
        }
        if status == RunStatus::Aborted {
            release_rows(&mut writing, run).await?;
        }
        writing.commit().await?;
        Ok(Ended::Ended { superseded })
    }

    /// Notes that publishing failed for now, with what is to be told. False where the run was taken over, or is not committing.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn fail_commit(
        &self,
        claim: &Claim,
        error: Option<&str>,
        notifications: &[NewNotification],
    ) -> Result<bool, LedgerError> {
        let mut writing = self.write("note a failed commit").await?;
        let driven = sqlx::query(
            "UPDATE runs SET events = events + 1, error = $4 WHERE id = $1 AND epoch = $2 AND status = $3",
        )
        .bind(&claim.run)
        .bind(claim.epoch)
        .bind(RunStatus::Committing.name())
        .bind(error.map(message));
        if writing.execute(driven).await? == 0 {
            return Ok(false);
        }
        let detail = json!({ "error": error });
        writing.note_numbered(&claim.run, "commit.failed", Subject::RUN, &detail).await?;
        enqueue(&mut writing, &claim.run, notifications).await?;
        writing.commit().await?;
        Ok(true)
    }

    /// The sinks that a run published, in the order in which it did.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
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
                    sink: get(row, "sink")?,
                    committed_ms: get(row, "committed_ms")?,
                    report: json_of(row, "report")?,
                })
            })
            .collect()
    }

    /// Where the next run of `pipeline` goes on reading `source`, by split.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn cursors(
        &self,
        pipeline: &str,
        source: &str,
    ) -> Result<Vec<CursorEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT source, split, position FROM cursors WHERE pipeline = $1 AND source = $2",
        )
        .bind(pipeline)
        .bind(source)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read cursors"))?;
        let cursors = rows.iter().map(|row| {
            Ok(CursorEntry {
                source: get(row, "source")?,
                split: get(row, "split")?,
                position: unescaped(row, "position")?,
            })
        });
        let mut cursors: Vec<CursorEntry> = cursors.collect::<Result<_, LedgerError>>()?;
        // Here, because databases sort text by rules of their own.
        cursors.sort_by(|one, other| one.split.cmp(&other.split));
        Ok(cursors)
    }
}

/// The first source whose cursors are no longer those that the planning of `run` saw, or are about to move; and the run that
/// has moved them, or is about to.
async fn moved(
    writing: &mut Writing,
    run: &str,
) -> Result<Option<(String, Option<String>)>, LedgerError> {
    for (source, seen) in base_cursors(writing, run).await? {
        let committing = sqlx::query(
            "SELECT other.id FROM runs AS other JOIN base_cursors ON base_cursors.run_id = other.id
             WHERE other.pipeline = (SELECT pipeline FROM runs WHERE id = $1) AND other.id <> $1
               AND other.status = $2 AND base_cursors.source = $3",
        )
        .bind(run)
        .bind(RunStatus::Committing.name())
        .bind(&source);
        if let Some(row) = writing.fetch_one(committing).await? {
            return Ok(Some((source, Some(get(&row, "id")?))));
        }
        let current = sqlx::query(
            "SELECT split, position, run_id FROM cursors
             WHERE pipeline = (SELECT pipeline FROM runs WHERE id = $1) AND source = $2",
        )
        .bind(run)
        .bind(&source);
        let rows = writing.fetch(current).await?;
        let mut found = 0;
        for row in &rows {
            let (split, position): (String, _) = (get(row, "split")?, unescaped(row, "position")?);
            if seen.get(&split) != Some(&position) {
                return Ok(Some((source, Some(get(row, "run_id")?))));
            }
            found += 1;
        }
        if found < seen.len() {
            return Ok(Some((source, None)));
        }
    }
    Ok(None)
}

/// The run of the same pipeline that is publishing. A lock keeps others from it; that it was lost must not let older rows come
/// after newer ones.
async fn publishing(writing: &mut Writing, run: &str) -> Result<Option<String>, LedgerError> {
    let statement = sqlx::query(
        "SELECT other.id FROM runs AS other JOIN runs ON runs.pipeline = other.pipeline
         WHERE runs.id = $1 AND other.id <> $1 AND other.status = $2",
    )
    .bind(run)
    .bind(RunStatus::Committing.name());
    let row = writing.fetch_one(statement).await?;
    row.map(|row| get(&row, "id")).transpose()
}

async fn move_cursors(
    writing: &mut Writing,
    run: &str,
    cursors: &[CursorEntry],
) -> Result<(), LedgerError> {
    for cursor in cursors {
        let statement = sqlx::query(
            "INSERT INTO cursors (pipeline, source, split, position, run_id)
             SELECT pipeline, $2, $3, $4, id FROM runs WHERE id = $1
             ON CONFLICT (pipeline, source, split)
             DO UPDATE SET position = excluded.position, run_id = excluded.run_id",
        )
        .bind(run)
        .bind(&cursor.source)
        .bind(&cursor.split)
        .bind(escaped(&cursor.position).into_owned());
        writing.execute(statement).await?;
    }
    Ok(())
}

/// Gives up the runs of the pipeline that were entered before `run`, if that is no replay, and have not begun to publish.
async fn supersede(writing: &mut Writing, run: &str) -> Result<Vec<String>, LedgerError> {
    let older = sqlx::query(
        "SELECT older.id FROM runs AS older JOIN runs AS newer
           ON newer.pipeline = older.pipeline AND newer.ordinal > older.ordinal
         WHERE newer.id = $1 AND newer.kind = $2 AND older.kind = $2 AND older.status NOT IN ($3, $4, $5)
         ORDER BY older.ordinal",
    )
    .bind(run)
    .bind(RunKindName::Run.name())
    .bind(RunStatus::Succeeded.name())
    .bind(RunStatus::Aborted.name())
    .bind(RunStatus::Committing.name());
    let rows = writing.fetch(older).await?;
    let older: Vec<String> = rows.iter().map(|row| get(row, "id")).collect::<Result<_, _>>()?;
    for older in &older {
        let error = format!("given up: run {run}, which was started later, has succeeded");
        let statement =
            sqlx::query("UPDATE runs SET status = $2, ended_ms = $3, error = $4 WHERE id = $1")
                .bind(older)
                .bind(RunStatus::Aborted.name())
                .bind(now_ms())
                .bind(error);
        writing.execute(statement).await?;
        writing.note(older, "run.superseded", Subject::RUN, &json!({ "by": run })).await?;
    }
    Ok(older)
}
