//! The outbox: events that are to be delivered, at least once, whatever becomes of the run.

use serde::Serialize;
use serde_json::Value;
use sqlx::any::AnyRow;

use crate::reading::{get, json};
use crate::writing::{Statement, Writing, message};
use crate::{Ledger, LedgerError, failed, now_ms};

/// An event for one notifier.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNotification {
    pub notifier: String,
    /// The same for each delivery of the same event.
    pub dedup_key: String,
    pub event: Value,
}

/// An event for one notifier, in the outbox.
#[derive(Debug, Clone, Serialize)]
pub struct OutboxEntry {
    pub run: String,
    pub notifier: String,
    /// The same for each delivery of the same event.
    pub dedup_key: String,
    pub event: Value,
    pub attempts: i64,
    pub delivered_ms: Option<i64>,
    pub last_error: Option<String>,
}

impl Ledger {
    /// Puts an event into the outbox, once.
    ///
    /// # Errors
    ///
    /// When the ledger fails, or has no such run.
    pub async fn enqueue(
        &self,
        run: &str,
        notifier: &str,
        dedup_key: &str,
        event: &Value,
    ) -> Result<(), LedgerError> {
        let mut writing = self.write("put an event into the outbox").await?;
        let notification = NewNotification {
            notifier: notifier.to_owned(),
            dedup_key: dedup_key.to_owned(),
            event: event.clone(),
        };
        enqueue(&mut writing, run, &[notification]).await?;
        writing.commit().await
    }

    /// The events that wait for delivery, oldest run first; of one pipeline where named.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn undelivered(
        &self,
        pipeline: Option<&str>,
    ) -> Result<Vec<OutboxEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT outbox.* FROM outbox JOIN runs ON runs.id = outbox.run_id
             WHERE ($1 IS NULL OR runs.pipeline = $1) AND outbox.delivered_ms IS NULL
             ORDER BY runs.ordinal, outbox.notifier, outbox.dedup_key",
        )
        .bind(pipeline)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read the outbox"))?;
        rows.iter().map(entry).collect()
    }

    /// All events of all runs, delivered or not, oldest run first.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn events(&self) -> Result<Vec<OutboxEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT outbox.* FROM outbox JOIN runs ON runs.id = outbox.run_id
             ORDER BY runs.ordinal, outbox.notifier, outbox.dedup_key",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read the outbox"))?;
        rows.iter().map(entry).collect()
    }

    /// All events of a run.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn outbox(&self, run: &str) -> Result<Vec<OutboxEntry>, LedgerError> {
        let rows =
            sqlx::query("SELECT * FROM outbox WHERE run_id = $1 ORDER BY notifier, dedup_key")
                .bind(run)
                .fetch_all(&self.pool)
                .await
                .map_err(failed("read the outbox"))?;
        rows.iter().map(entry).collect()
    }

    /// Notes how a delivery went. One that went well stays so, also when another process tried too and failed.
    ///
    /// # Errors
    ///
    /// When the ledger fails.
    pub async fn delivered(
        &self,
        entry: &OutboxEntry,
        error: Option<&str>,
    ) -> Result<(), LedgerError> {
        let mut writing = self.write("note a delivery").await?;
        let statement = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1,
                 delivered_ms = COALESCE(delivered_ms, $4),
                 last_error = CASE WHEN delivered_ms IS NULL THEN $5 ELSE last_error END
             WHERE run_id = $1 AND notifier = $2 AND dedup_key = $3",
        )
        .bind(&entry.run)
        .bind(&entry.notifier)
        .bind(&entry.dedup_key)
        .bind(error.is_none().then(now_ms))
        .bind(error.map(message));
        writing.execute(statement).await?;
        writing.commit().await
    }
}

/// Puts events of a run into the outbox, each once.
pub(crate) async fn enqueue(
    writing: &mut Writing,
    run: &str,
    notifications: &[NewNotification],
) -> Result<(), LedgerError> {
    let into = "outbox (run_id, notifier, dedup_key, event)";
    let conflict = "ON CONFLICT (run_id, notifier, dedup_key) DO NOTHING";
    let bind = |statement: Statement, notification: &NewNotification| {
        statement
            .bind(run.to_owned())
            .bind(notification.notifier.clone())
            .bind(notification.dedup_key.clone())
            .bind(notification.event.to_string())
    };
    writing.insert(into, conflict, notifications, bind).await?;
    Ok(())
}

fn entry(row: &AnyRow) -> Result<OutboxEntry, LedgerError> {
    Ok(OutboxEntry {
        run: get(row, "run_id")?,
        notifier: get(row, "notifier")?,
        dedup_key: get(row, "dedup_key")?,
        event: json(row, "event")?,
        attempts: get(row, "attempts")?,
        delivered_ms: get(row, "delivered_ms")?,
        last_error: get(row, "last_error")?,
    })
}
