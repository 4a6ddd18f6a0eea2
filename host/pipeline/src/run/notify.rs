//! Telling what happened: events go into the outbox, and from there to notifiers.
//!
//! A notifier that fails changes nothing about the run. What could not be delivered stays in the outbox and is
//! tried again after the next run of the pipeline.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;
use wasmill_connect::crash;
use wasmill_ledger::{Ledger, LedgerError, NewNotification, OutboxEntry, RunStatus, now_ms};
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::notifier::{Event as Notification, EventSeverity};

use crate::checked::CheckedPipeline;
use crate::error::chain;
use crate::events::Event;
use crate::file::sections::EventKind;
use crate::policy::breaker::Transition;
use crate::policy::notifier_key;
use crate::policy::retry::Retryable;
use crate::run::RunContext;
use crate::run::summary::RunSummary;

/// A notifier may ask for more time; a run does not wait longer than this.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// A fault of a notifier, which is given no more time than that.
struct Patient(Fault);

impl Retryable for Patient {
    fn is_chance(&self) -> bool {
        self.0.is_chance()
    }

    fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after().map(|wait| wait.min(MAX_WAIT))
    }
}

impl RunContext {
    /// Delivers what is in the outbox.
    pub(super) async fn notify(&self, cancel: &CancellationToken) {
        crash::point("before-notify");
        let waiting = match self.ledger.undelivered(Some(&self.pipeline.name)).await {
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
                if !self.deliver(&entry, true).await {
                    silent.insert(entry.notifier);
                }
            }
            // Once each: a receiver that is away must not hold up every run that follows.
            for entry in older {
                if !silent.contains(&entry.notifier) && !self.deliver(&entry, false).await {
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

    /// Tells that breakers have opened, while the run goes on. What cannot be delivered, or comes when the run has ended, waits in
    /// the outbox like any other event.
    pub(super) async fn tell_of_breakers(
        &self,
        mut opened: UnboundedReceiver<Transition>,
        has_ended: &CancellationToken,
    ) {
        // Several processes may tell of the same run.
        let teller = &uuid::Uuid::new_v4().simple().to_string()[..6];
        let mut number = 0;
        loop {
            let change = tokio::select! {
                biased;
                change = opened.recv() => change,
                () = has_ended.cancelled() => None,
            };
            let Some(Transition { step, state, message }) = change else { return };
            number += 1;
            let kind = EventKind::BreakerOpened;
            let notification = Notification {
                kind: kind.name().to_owned(),
                severity: EventSeverity::Warning,
                pipeline: self.pipeline.name.clone(),
                run: self.run.clone(),
                dedup_key: format!("{}/{}/{teller}-{number}", self.run, kind.name()),
                time_ms: u64::try_from(now_ms()).unwrap_or_default(),
                summary: format!(
                    "{}: the breaker of `{step}` is open: {message}",
                    self.pipeline.name
                ),
                details: json!({ "step": step, "state": state, "message": message }).to_string(),
            };
            if let Err(error) = self.put(kind, &notification).await {
                tracing::warn!(run = self.run, error = chain(&error), "cannot use the outbox");
                continue;
            }
            if has_ended.is_cancelled() {
                continue;
            }
            let waiting =
                self.ledger.undelivered(Some(&self.pipeline.name)).await.unwrap_or_default();
            let own = waiting.iter().filter(|entry| {
                entry.run == self.run && entry.event["dedup_key"] == notification.dedup_key.as_str()
            });
            for entry in own {
                self.deliver(entry, false).await;
            }
        }
    }

    /// What there is to tell of the end of a run, for each notifier that is to know. The key is the same whichever process tells it; of a
    /// run that failed again after it was resumed there is more to tell.
    pub(super) fn notifications(&self, summary: &RunSummary, epoch: i64) -> Vec<NewNotification> {
        let (kind, severity) = match summary.status {
            RunStatus::Succeeded => (EventKind::RunSucceeded, EventSeverity::Info),
            RunStatus::Refused => (EventKind::GateRefused, EventSeverity::Error),
            RunStatus::Failed | RunStatus::Committing => {
                (EventKind::RunFailed, EventSeverity::Error)
            }
            RunStatus::Interrupted | RunStatus::Running | RunStatus::Aborted => return Vec::new(),
        };
        let details = serde_json::to_string(summary).expect("a summary is plain data");
        let again = if summary.status == RunStatus::Succeeded || epoch <= 1 {
            String::new()
        } else {
            format!("/{epoch}")
        };
        let notification = Notification {
            kind: kind.name().to_owned(),
            severity,
            pipeline: summary.pipeline.clone(),
            run: summary.run.clone(),
            dedup_key: format!("{}/{}{again}", summary.run, kind.name()),
            time_ms: u64::try_from(now_ms()).unwrap_or_default(),
            summary: summary.headline(),
            details,
        };
        self.for_notifiers(kind, &notification)
    }

    /// An event for each notifier that is to know.
    fn for_notifiers(&self, kind: EventKind, notification: &Notification) -> Vec<NewNotification> {
        let json = serde_json::to_value(notification).expect("an event is plain data");
        let notifiers = self.pipeline.notifiers.iter();
        let told = notifiers.filter(|(_, notifier)| notifier.on.contains(&kind));
        told.map(|(name, _)| NewNotification {
            notifier: name.clone(),
            dedup_key: notification.dedup_key.clone(),
            event: json.clone(),
        })
        .collect()
    }

    /// Puts an event into the outbox, for each notifier that is to know.
    async fn put(&self, kind: EventKind, notification: &Notification) -> Result<(), LedgerError> {
        for NewNotification { notifier, dedup_key, event } in self.for_notifiers(kind, notification)
        {
            self.ledger.enqueue(&self.run, &notifier, &dedup_key, &event).await?;
        }
        Ok(())
    }

    /// Delivers an event, with the attempts that the notifier's policy allows or at once; false when the notifier could not.
    async fn deliver(&self, entry: &OutboxEntry, retried: bool) -> bool {
        let delivered = self.pipeline.deliver(&self.ledger, entry, retried).await;
        !matches!(delivered, Err(Undelivered::Failed(_)))
    }
}

/// Why an event still waits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    #[error("the pipeline file has no notifier of this name any more")]
    NoNotifier,
    #[error("{0}")]
    Failed(String),
}

/// How the delivery of an event went.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub entry: OutboxEntry,
    pub result: Result<(), Undelivered>,
}

impl CheckedPipeline {
    /// Delivers the events of this pipeline that wait in its ledger, without running it, oldest first; `tell` is told of each.
    /// Ends early when `cancel` is cancelled. Returns how many wait still.
    ///
    /// A notifier is given all attempts of its policy until it fails; from then on one for each event, as a receiver that is away
    /// must not hold up those of others.
    ///
    /// # Errors
    ///
    /// When there is no ledger, or it cannot be read.
    pub async fn deliver_outbox(
        &self,
        cancel: &CancellationToken,
        mut tell: impl FnMut(&Delivery),
    ) -> Result<usize, LedgerError> {
        let ledger = Ledger::open(&self.settings.ledger, &self.base).await?;
        let waiting = ledger.undelivered(Some(&self.name)).await?;
        let mut left = waiting.len();
        let mut silent = BTreeSet::new();
        for entry in waiting {
            let retried = !silent.contains(&entry.notifier);
            let result = tokio::select! {
                () = cancel.cancelled() => break,
                result = self.deliver(&ledger, &entry, retried) => result,
            };
            match &result {
                Ok(()) => left -= 1,
                Err(_) => drop(silent.insert(entry.notifier.clone())),
            }
            tell(&Delivery { entry, result });
        }
        Ok(left)
    }

    /// Delivers an event, with the attempts that the notifier's policy allows or at once, and notes in the ledger how it went.
    async fn deliver(
        &self,
        ledger: &Ledger,
        entry: &OutboxEntry,
        retried: bool,
    ) -> Result<(), Undelivered> {
        let Some(notifier) = self.notifiers.get(&entry.notifier) else {
            return Err(Undelivered::NoNotifier);
        };
        let error = match serde_json::from_value::<Notification>(entry.event.clone()) {
            Ok(notification) => {
                let mut retry = *self.policies.retry(&notifier_key(&entry.notifier));
                if !retried {
                    retry.attempts = 1;
                }
                let notified = retry
                    .run(async || notifier.notifier.notify(&notification).await.map_err(Patient));
                notified.await.err().map(|Patient(fault)| chain(&fault))
            }
            Err(error) => Some(format!("the event in the outbox is unreadable: {error}")),
        };
        crash::point("mid-notify");
        if let Err(error) = ledger.delivered(entry, error.as_deref()).await {
            tracing::warn!(run = entry.run, error = chain(&error), "cannot note a delivery");
        }
        let kind = entry.event["kind"].as_str().unwrap_or_default().to_owned();
        let notifier = entry.notifier.clone();
        self.observer.event(Event::Notified { notifier, kind, error: error.clone() });
        error.map_or(Ok(()), |error| Err(Undelivered::Failed(error)))
    }
}
