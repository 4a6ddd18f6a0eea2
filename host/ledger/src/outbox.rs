//! The outbox: events that are to be delivered, at least once, whatever becomes of the run.

use serde::Serialize;
use sqlx::Row;

use crate::runs::json;
use crate::{Ledger, LedgerError, failed, now_ms};

/// An event for one notifier.
#[derive(Debug, Clone, Serialize)]
pub struct OutboxEntry {
    pub run: String,
    pub notifier: String,
    /// The same for each delivery of the same event.
    pub dedup_key: String,
    pub event: serde_json::Value,
    pub attempts: i64,
    pub delivered_ms: Option<i64>,
    pub last_error: Option<String>,
}

impl Ledger {
    /// Puts an event into the outbox, once.
    pub async fn enqueue(
        &self,
        run: &str,
        notifier: &str,
        dedup_key: &str,
        event: &serde_json::Value,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "INSERT INTO outbox (run_id, notifier, dedup_key, event) VALUES ($1, $2, $3, $4)
             ON CONFLICT (run_id, notifier, dedup_key) DO NOTHING",
        )
        .bind(run)
        .bind(notifier)
        .bind(dedup_key)
        .bind(event.to_string())
        .execute(&self.pool)
        .await
        .map_err(failed("put an event into the outbox"))?;
        Ok(())
    }

    /// The events of a pipeline that wait for delivery, oldest run first.
    pub async fn undelivered(&self, pipeline: &str) -> Result<Vec<OutboxEntry>, LedgerError> {
        let rows = sqlx::query(
            "SELECT outbox.* FROM outbox JOIN runs ON runs.id = outbox.run_id
             WHERE runs.pipeline = $1 AND delivered_ms IS NULL
             ORDER BY runs.started_ms, outbox.notifier, outbox.dedup_key",
        )
        .bind(pipeline)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("read the outbox"))?;
        rows.iter().map(entry).collect()
    }

    /// All events of a run.
    pub async fn outbox(&self, run: &str) -> Result<Vec<OutboxEntry>, LedgerError> {
        let rows =
            sqlx::query("SELECT * FROM outbox WHERE run_id = $1 ORDER BY notifier, dedup_key")
                .bind(run)
                .fetch_all(&self.pool)
                .await
                .map_err(failed("read the outbox"))?;
        rows.iter().map(entry).collect()
    }

    /// Notes how a delivery went.
    pub async fn delivered(
        &self,
        entry: &OutboxEntry,
        error: Option<&str>,
    ) -> Result<(), LedgerError> {
        sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, delivered_ms = $4, last_error = $5
             WHERE run_id = $1 AND notifier = $2 AND dedup_key = $3",
        )
        .bind(&entry.run)
        .bind(&entry.notifier)
        .bind(&entry.dedup_key)
        .bind(error.is_none().then(now_ms))
        .bind(error)
        .execute(&self.pool)
        .await
        .map_err(failed("note a delivery"))?;
        Ok(())
    }
}

fn entry(row: &sqlx::sqlite::SqliteRow) -> Result<OutboxEntry, LedgerError> {
    Ok(OutboxEntry {
        run: row.get("run_id"),
        notifier: row.get("notifier"),
        dedup_key: row.get("dedup_key"),
        event: json(row.get("event"), "event")?,
        attempts: row.get("attempts"),
        delivered_ms: row.get("delivered_ms"),
        last_error: row.get("last_error"),
    })
}
