//! Telling what happened: events go into the outbox, and from there to notifiers.
//!
//! A notifier that fails changes nothing about the run. What could not be delivered stays in the outbox and is
//! tried again after the next run of the pipeline.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use wasmill_ledger::{LedgerError, OutboxEntry, RunStatus, now_ms};
use wasmill_sandbox::notifier::{Event as Notification, EventSeverity};

use crate::error::{chain, retry_after};
use crate::events::Event;
use crate::file::sections::EventKind;
use crate::run::attempts::jittered;
use crate::run::summary::RunSummary;
use crate::run::{MAX_ATTEMPTS, RunContext};

/// A notifier may ask for more time; a run does not wait longer than this.
const MAX_WAIT: Duration = Duration::from_secs(10);

impl RunContext {
    /// Puts what happened into the outbox and delivers what is in it.
    pub(super) async fn notify(&self, summary: &RunSummary, cancel: &CancellationToken) {
        if let Err(error) = self.enqueue(summary).await {
            tracing::warn!(run = self.run, error = chain(&error), "cannot use the outbox");
            return;
        }
        let waiting = match self.ledger.undelivered(&self.pipeline.name).await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(run = self.run, error = chain(&error), "cannot read the outbox");
                return;
            }
        };
        let (own, older): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|entry| entry.run == self.run);
        let deliveries = async {
            let mut silent = BTreeSet::new();
            for entry in own {
                if !self.deliver(&entry, MAX_ATTEMPTS).await {
                    silent.insert(entry.notifier);
                }
            }
            // Once each: a receiver that is away must not hold up every run that follows.
            for entry in older {
                if !silent.contains(&entry.notifier) && !self.deliver(&entry, 1).await {
                    silent.insert(entry.notifier);
                }
            }
        };
        // Whoever waits for the run can stop waiting for a notifier that hangs.
        tokio::select! {
            () = cancel.cancelled() => {}
            () = deliveries => {}
        }
    }

    async fn enqueue(&self, summary: &RunSummary) -> Result<(), LedgerError> {
        let (kind, severity) = match summary.status {
            RunStatus::Succeeded => (EventKind::RunSucceeded, EventSeverity::Info),
            RunStatus::Refused => (EventKind::GateRefused, EventSeverity::Error),
            RunStatus::Failed => (EventKind::RunFailed, EventSeverity::Error),
            RunStatus::Interrupted | RunStatus::Running | RunStatus::Committing => return Ok(()),
        };
        let details = serde_json::to_string(summary).expect("a summary is plain data");
        for (name, notifier) in &self.pipeline.notifiers {
            if !notifier.on.contains(&kind) {
                continue;
            }
            let notification = Notification {
                kind: kind.name().to_owned(),
                severity,
                pipeline: summary.pipeline.clone(),
                run: summary.run.clone(),
                dedup_key: format!("{}/{}", summary.run, kind.name()),
                time_ms: u64::try_from(now_ms()).unwrap_or_default(),
                summary: summary.headline(),
                details: details.clone(),
            };
            let json = serde_json::to_value(&notification).expect("an event is plain data");
            self.ledger.enqueue(&self.run, name, &notification.dedup_key, &json).await?;
        }
        Ok(())
    }

    /// Delivers an event; false when the notifier could not.
    async fn deliver(&self, entry: &OutboxEntry, attempts: u32) -> bool {
        // A notifier that is no longer in the file.
        let Some(notifier) = self.pipeline.notifiers.get(&entry.notifier) else { return true };
        let error = match serde_json::from_value::<Notification>(entry.event.clone()) {
            Ok(notification) => {
                let mut attempt = 1;
                loop {
                    match notifier.notifier.notify(&notification).await {
                        Ok(()) => break None,
                        Err(fault) if fault.kind().is_chance() && attempt < attempts => {
                            let asked = retry_after(&fault).map(|wait| wait.min(MAX_WAIT));
                            tokio::time::sleep(asked.unwrap_or_else(|| jittered(attempt))).await;
                            attempt += 1;
                        }
                        Err(fault) => break Some(chain(&fault)),
                    }
                }
            }
            Err(error) => Some(format!("the event in the outbox is unreadable: {error}")),
        };
        if let Err(error) = self.ledger.delivered(entry, error.as_deref()).await {
            tracing::warn!(run = self.run, error = chain(&error), "cannot note a delivery");
        }
        let delivered = error.is_none();
        let kind = entry.event["kind"].as_str().unwrap_or_default().to_owned();
        let notifier = entry.notifier.clone();
        self.pipeline.observer.event(Event::Notified { notifier, kind, error });
        delivered
    }
}
