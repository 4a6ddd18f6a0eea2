//! Events wait until they are delivered, and those of a run's end are there exactly when it has ended.

use serde_json::json;
use wasmill_ledger::{EndOfRun, Ended, NewNotification, RunStatus};

use crate::store::{Store, claim, end, ended, enter, enter_at};

super::on_both!(
    an_event_waits_until_it_is_delivered,
    events_of_the_end_come_with_it,
    what_waits_is_in_the_order_of_runs,
    what_was_delivered_stays_delivered,
);

fn told(notifier: &str, key: &str) -> NewNotification {
    NewNotification {
        notifier: notifier.to_owned(),
        dedup_key: key.to_owned(),
        event: json!({ "kind": key }),
    }
}

async fn an_event_waits_until_it_is_delivered(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    for _ in 0..2 {
        ledger.enqueue("r", "ops", "r/run.failed", &json!({ "kind": "run.failed" })).await.unwrap();
    }
    let waiting = ledger.undelivered(Some("p")).await.unwrap();
    assert_eq!(waiting.len(), 1, "the same event is there once");
    assert_eq!((waiting[0].delivered_ms, waiting[0].last_error.as_deref()), (None, None));
    ledger.delivered(&waiting[0], Some("nobody listens\0")).await.unwrap();
    let waiting = store.ledger().await.undelivered(Some("p")).await.unwrap();
    assert_eq!(waiting[0].last_error.as_deref(), Some("nobody listens\u{fffd}"));
    ledger.delivered(&waiting[0], None).await.unwrap();
    assert!(ledger.undelivered(Some("p")).await.unwrap().is_empty());
    let all = ledger.outbox("r").await.unwrap();
    assert_eq!((all[0].attempts, all[0].last_error.as_deref()), (2, None));
    assert!(ledger.enqueue("nobody", "ops", "k", &json!({})).await.is_err());
}

async fn events_of_the_end_come_with_it(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let dead = claim(&ledger, "r").await;
    let alive = claim(&ledger, "r").await;
    let notifications = [told("ops", "r/succeeded"), told("chat", "r/succeeded")];
    let end = EndOfRun {
        status: RunStatus::Succeeded,
        error: None,
        summary: &json!({}),
        cursors: &[],
        notifications: &notifications,
    };
    assert_eq!(ledger.end_run(&dead, &end).await.unwrap(), Ended::TakenOver);
    assert!(ledger.outbox("r").await.unwrap().is_empty());
    assert_eq!(ledger.end_run(&alive, &end).await.unwrap(), ended());
    let found = ledger.undelivered(None).await.unwrap();
    let notifiers: Vec<_> = found.iter().map(|entry| entry.notifier.as_str()).collect();
    assert_eq!(notifiers, ["chat", "ops"]);
    assert_eq!(found[0].event, json!({ "kind": "r/succeeded" }));
    assert_eq!(ledger.end_run(&alive, &end).await.unwrap(), Ended::Closed(RunStatus::Succeeded));
    assert_eq!(ledger.outbox("r").await.unwrap().len(), 2);
}

async fn what_waits_is_in_the_order_of_runs(store: Store) {
    let ledger = store.ledger().await;
    for (run, pipeline, started_ms) in [("b", "p", 9), ("a", "p", 1), ("c", "q", 5)] {
        enter_at(&ledger, run, pipeline, started_ms).await;
        ledger.enqueue(run, "ops", "key", &json!({})).await.unwrap();
    }
    let runs = async |pipeline: Option<&str>| {
        let waiting = ledger.undelivered(pipeline).await.unwrap();
        waiting.into_iter().map(|entry| entry.run).collect::<Vec<_>>()
    };
    assert_eq!(runs(None).await, ["b", "a", "c"]);
    assert_eq!(runs(Some("p")).await, ["b", "a"]);
    assert!(runs(Some("r")).await.is_empty());
    let claim = claim(&ledger, "c").await;
    end(&ledger, &claim, RunStatus::Aborted).await;
    assert_eq!(runs(Some("q")).await, ["c"], "whatever becomes of the run");
}

async fn what_was_delivered_stays_delivered(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    ledger.enqueue("r", "ops", "key", &json!({})).await.unwrap();
    let entry = ledger.undelivered(None).await.unwrap().pop().unwrap();
    ledger.delivered(&entry, None).await.unwrap();
    let delivered = ledger.outbox("r").await.unwrap().pop().unwrap();
    // Another process tried at the same time.
    ledger.delivered(&entry, Some("too late")).await.unwrap();
    let after = ledger.outbox("r").await.unwrap().pop().unwrap();
    assert_eq!((after.delivered_ms, after.last_error), (delivered.delivered_ms, None));
    assert_eq!(after.attempts, 2);
}
