//! Writing transactions, and the history that each of them adds to.
//!
//! - SQLite's begin as writers (`BEGIN IMMEDIATE`): one that began as a reader and writes later fails where another wrote
//!   in between. In one process they queue up before the database instead of in it, where waiting is polling.
//! - A transaction about one run changes the run's row first, which PostgreSQL locks: so the entries of its history are in the
//!   order in which they were committed, without gaps.
//! - One that moves a run from one status to another, or enters one, begins with [`Writing::alone`]: such transactions come one
//!   after another in the whole ledger. They are few and short.
//! - What a run does between its plan and its commit need not be on disk at once: see [`Ledger::write_soon`]. All of it is before
//!   anything is published, as publishing begins with a transaction that is.
//! - Whatever is not committed is undone, also when it is dropped.

use serde_json::Value;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyPool, AssertSqlSafe, Transaction};
use tokio::sync::OwnedSemaphorePermit;

use crate::reading::get;
use crate::{Ledger, LedgerError, RunStatus, now_ms};

/// A statement with its arguments, which it owns.
pub(crate) type Statement = Query<'static, Any, AnyArguments>;

/// How many rows are inserted at once: SQLite takes 32766 arguments, PostgreSQL 65535.
const ROWS_AT_ONCE: usize = 1000;

/// What an entry of the history is about, within its run.
#[derive(Default, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) phase: Option<&'a str>,
    pub(crate) split: Option<&'a str>,
    pub(crate) attempt: Option<&'a str>,
}

impl<'a> Subject<'a> {
    pub(crate) const RUN: Subject<'static> = Subject { phase: None, split: None, attempt: None };

    pub(crate) fn phase(phase: &'a str) -> Self {
        Self { phase: Some(phase), ..Self::RUN }
    }

    pub(crate) fn split(phase: &'a str, split: &'a str) -> Self {
        Self { split: Some(split), ..Self::phase(phase) }
    }

    pub(crate) fn attempt(phase: &'a str, split: &'a str, attempt: &'a str) -> Self {
        Self { attempt: Some(attempt), ..Self::split(phase, split) }
    }
}

/// A transaction that writes.
pub(crate) struct Writing {
    transaction: Transaction<'static, Any>,
    /// What errors say could not be done.
    action: &'static str,
    /// Given back after the transaction has ended.
    _turn: Option<OwnedSemaphorePermit>,
    epoch: Option<i64>,
}

impl Ledger {
    /// Begins a transaction that writes, and is on disk when it is committed.
    pub(crate) async fn write(&self, action: &'static str) -> Result<Writing, LedgerError> {
        self.write_to(&self.durable, action).await
    }

    /// Begins a transaction that writes, and may be lost with the power, together with those after it, until one of [`Self::write`] is
    /// committed. For what is merely done again then.
    pub(crate) async fn write_soon(&self, action: &'static str) -> Result<Writing, LedgerError> {
        self.write_to(&self.pool, action).await
    }

    async fn write_to(&self, pool: &AnyPool, action: &'static str) -> Result<Writing, LedgerError> {
        let failed = |source| LedgerError::Query { action, source };
        let (begin, turn) = match &self.turns {
            Some(turns) => {
                let turn = std::sync::Arc::clone(turns).acquire_owned().await;
                ("BEGIN IMMEDIATE", Some(turn.expect("nobody closes it")))
            }
            None => ("BEGIN", None),
        };
        let transaction = pool.begin_with(begin).await.map_err(failed)?;
        Ok(Writing { transaction, action, _turn: turn, epoch: self.epoch })
    }
}

impl Writing {
    /// Runs a statement; returns how many rows it changed.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64, LedgerError> {
        let action = self.action;
        let done = statement.execute(&mut *self.transaction).await;
        Ok(done.map_err(|source| LedgerError::Query { action, source })?.rows_affected())
    }

    /// Runs a statement; returns its rows.
    pub(crate) async fn fetch(&mut self, statement: Statement) -> Result<Vec<AnyRow>, LedgerError> {
        let action = self.action;
        let rows = statement.fetch_all(&mut *self.transaction).await;
        rows.map_err(|source| LedgerError::Query { action, source })
    }

    /// Runs a statement that gives one row at most.
    pub(crate) async fn fetch_one(
        &mut self,
        statement: Statement,
    ) -> Result<Option<AnyRow>, LedgerError> {
        Ok(self.fetch(statement).await?.into_iter().next())
    }

    /// Inserts rows, many at once; `bind` gives a statement the values of one. Returns how many were inserted.
    pub(crate) async fn insert<T>(
        &mut self,
        into: &str,
        conflict: &str,
        rows: &[T],
        bind: impl Fn(Statement, &T) -> Statement,
    ) -> Result<u64, LedgerError> {
        let columns = into.matches(',').count() + 1;
        let mut inserted = 0;
        for rows in rows.chunks(ROWS_AT_ONCE) {
            let values: Vec<String> =
                (0..rows.len()).map(|row| placeholders(row * columns, columns)).collect();
            let sql = format!("INSERT INTO {into} VALUES {} {conflict}", values.join(", "));
            // Each number of rows is a statement of its own, so most are not worth keeping.
            let statement = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            inserted += self.execute(rows.iter().fold(statement, &bind)).await?;
        }
        Ok(inserted)
    }

    /// Waits until no other transaction enters runs or changes their status, and keeps others from it.
    pub(crate) async fn alone(&mut self) -> Result<(), LedgerError> {
        self.execute(sqlx::query("UPDATE counters SET value = value WHERE name = 'runs'")).await?;
        Ok(())
    }

    /// The status and the epoch of a run.
    pub(crate) async fn state(&mut self, run: &str) -> Result<(RunStatus, i64), LedgerError> {
        let statement = sqlx::query("SELECT status, epoch FROM runs WHERE id = $1").bind(run);
        let Some(row) = self.fetch_one(statement).await? else {
            return Err(LedgerError::NoRun { run: run.to_owned() });
        };
        Ok((RunStatus::parse(get(&row, "status")?)?, get(&row, "epoch")?))
    }

    /// Takes the next number of a run's history, if the run goes on, in the epoch of the ledger. Returns the status otherwise, which
    /// is `running` where the run was taken over.
    pub(crate) async fn number_if_running(
        &mut self,
        run: &str,
    ) -> Result<Result<(), RunStatus>, LedgerError> {
        let statement =
            sqlx::query("UPDATE runs SET events = events + 1 WHERE id = $1 AND status = $2 AND epoch = COALESCE($3, epoch)")
                .bind(run)
                .bind(RunStatus::Running.name())
                .bind(self.epoch);
        if self.execute(statement).await? == 1 {
            return Ok(Ok(()));
        }
        Ok(Err(self.state(run).await?.0))
    }

    /// Like [`Self::number_if_running`], where it is an error that the run does not go on.
    pub(crate) async fn number_of_plan(&mut self, run: &str) -> Result<(), LedgerError> {
        let numbered = self.number_if_running(run).await?;
        numbered.map_err(|status| LedgerError::Closed { run: run.to_owned(), status })
    }

    /// Takes the next number of a run's history.
    pub(crate) async fn number(&mut self, run: &str) -> Result<(), LedgerError> {
        let statement = sqlx::query("UPDATE runs SET events = events + 1 WHERE id = $1").bind(run);
        if self.execute(statement).await? == 0 {
            return Err(LedgerError::NoRun { run: run.to_owned() });
        }
        Ok(())
    }

    /// Adds an entry to the history of a run.
    pub(crate) async fn note(
        &mut self,
        run: &str,
        kind: &str,
        subject: Subject<'_>,
        detail: &Value,
    ) -> Result<(), LedgerError> {
        self.number(run).await?;
        self.note_numbered(run, kind, subject, detail).await
    }

    /// Adds an entry to the history of a run, under the number that was taken last.
    pub(crate) async fn note_numbered(
        &mut self,
        run: &str,
        kind: &str,
        subject: Subject<'_>,
        detail: &Value,
    ) -> Result<(), LedgerError> {
        let statement = sqlx::query(
            "INSERT INTO history (run_id, seq, at_ms, kind, phase, split, attempt, detail)
             SELECT id, events, $2, $3, $4, $5, $6, $7 FROM runs WHERE id = $1",
        )
        .bind(run)
        .bind(now_ms())
        .bind(kind)
        .bind(subject.phase)
        .bind(subject.split)
        .bind(subject.attempt)
        .bind(detail.to_string());
        self.execute(statement).await?;
        Ok(())
    }

    /// Makes all of it true, or none.
    pub(crate) async fn commit(self) -> Result<(), LedgerError> {
        let action = self.action;
        self.transaction.commit().await.map_err(|source| LedgerError::Query { action, source })
    }
}

/// `($3, $4)` after 2 others.
fn placeholders(before: usize, count: usize) -> String {
    let placeholders: Vec<String> =
        (before + 1..=before + count).map(|number| format!("${number}")).collect();
    format!("({})", placeholders.join(", "))
}

/// A message as PostgreSQL takes it, which knows no NUL. Names, and what is JSON, have none.
pub(crate) fn message(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
