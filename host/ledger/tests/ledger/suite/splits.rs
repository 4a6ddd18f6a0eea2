//! Attempts at splits: one counts.

use std::time::Duration;

use serde_json::json;
use wasmill_ledger::{Acceptance, LedgerError, RunStatus};

use crate::store::{Store, accept, claim, drive, end, enter, plan, quarantined, status, story};

super::on_both!(
    only_one_attempt_at_a_split_counts,
    the_attempt_that_counts_may_ask_again,
    a_run_that_does_not_go_on_accepts_nothing,
    accepting_and_ending_exclude_each_other,
    attempts_and_their_errors_are_noted,
    a_manifest_can_be_dropped_while_the_run_goes_on,
    manifests_are_in_the_order_of_the_plan,
    an_attempt_at_what_was_never_planned_fails,
);

async fn only_one_attempt_at_a_split_counts(store: Store) {
    let ledger = store.ledger().await;
    drive(&ledger, "r", &["s"]).await;
    // Eight attempts end at the same time, each with its own manifest, from two processes.
    let other = store.ledger().await;
    let attempts: Vec<_> = (0..8)
        .map(|attempt| {
            let ledger = if attempt % 2 == 0 { ledger.clone() } else { other.clone() };
            tokio::spawn(async move {
                let (name, manifest) = (format!("a{attempt}"), json!({ "attempt": attempt }));
                let held = [quarantined("s", attempt + 1, &name)];
                ledger.accept("r", "phase", "s", &name, &manifest, &held).await.unwrap()
            })
        })
        .collect();
    let mut accepted = Vec::new();
    let mut told = Vec::new();
    for (attempt, accepting) in attempts.into_iter().enumerate() {
        match accepting.await.unwrap() {
            Acceptance::Accepted => accepted.push(attempt),
            Acceptance::AnotherCounts { attempt } => told.push(attempt),
            closed @ Acceptance::Closed(_) => panic!("{closed:?}"),
        }
    }
    let [winner] = accepted[..] else { panic!("{accepted:?}") };
    assert_eq!(told, vec![format!("a{winner}"); 7], "the others learn which one counts");
    let manifests = ledger.manifests("r").await.unwrap();
    assert_eq!(manifests.len(), 1);
    assert_eq!(manifests[0].manifest, json!({ "attempt": winner }));
    // The quarantine is that of the attempt that counts, and the history tells of no other.
    let quarantine = ledger.quarantine("r").await.unwrap();
    assert_eq!(quarantine, [quarantined("s", winner as i64 + 1, &format!("a{winner}"))]);
    assert!(ledger.splits("r").await.unwrap()[0].accepted);
    assert_eq!(story(&ledger, "r").await.last().unwrap(), "attempt.accepted");
    assert_eq!(story(&ledger, "r").await.len(), 4);
}

async fn the_attempt_that_counts_may_ask_again(store: Store) {
    let ledger = store.ledger().await;
    drive(&ledger, "r", &["s"]).await;
    // As after a connection that was lost before the answer came.
    for _ in 0..2 {
        assert_eq!(accept(&ledger, "r", "s").await, Acceptance::Accepted);
    }
    assert_eq!(story(&ledger, "r").await.len(), 4, "it was accepted once");
}

async fn a_run_that_does_not_go_on_accepts_nothing(store: Store) {
    let ledger = store.ledger().await;
    for to in [RunStatus::Failed, RunStatus::Refused, RunStatus::Interrupted, RunStatus::Aborted] {
        let run = to.name();
        let claim = drive(&ledger, run, &["s", "t"]).await;
        assert_eq!(accept(&ledger, run, "s").await, Acceptance::Accepted);
        end(&ledger, &claim, to).await;
        assert_eq!(accept(&ledger, run, "t").await, Acceptance::Closed(to));
        assert_eq!(accept(&ledger, run, "s").await, Acceptance::Closed(to));
        assert_eq!(ledger.manifests(run).await.unwrap().len(), 1);
    }
    let committing = drive(&ledger, "committing", &["s"]).await;
    ledger.start_commit(&committing).await.unwrap();
    let late = accept(&ledger, "committing", "s").await;
    assert_eq!(late, Acceptance::Closed(RunStatus::Committing));
    // One that goes on again accepts again.
    claim(&ledger, "failed").await;
    assert_eq!(accept(&ledger, "failed", "t").await, Acceptance::Accepted);
    let error = ledger.accept("nobody", "phase", "s", "a", &json!({}), &[]).await.unwrap_err();
    assert!(matches!(error, LedgerError::NoRun { .. }), "{error}");
}

/// What publishing reads after it has begun is all that was accepted: nothing comes after.
async fn accepting_and_ending_exclude_each_other(store: Store) {
    let ledger = store.ledger().await;
    for round in 0..8 {
        let run = format!("r{round}");
        let names: Vec<String> = (0..6).map(|split| format!("s{split}")).collect();
        let splits: Vec<&str> = names.iter().map(String::as_str).collect();
        let claim = drive(&ledger, &run, &splits).await;
        let accepting: Vec<_> = names
            .iter()
            .map(|split| {
                let (ledger, run, split) = (ledger.clone(), run.clone(), split.clone());
                tokio::spawn(async move { accept(&ledger, &run, &split).await })
            })
            .collect();
        ledger.start_commit(&claim).await.unwrap();
        let seen = ledger.manifests(&run).await.unwrap().len();
        let mut accepted = 0;
        for accepting in accepting {
            accepted += usize::from(accepting.await.unwrap() == Acceptance::Accepted);
        }
        assert_eq!(ledger.manifests(&run).await.unwrap().len(), seen);
        assert_eq!(accepted, seen);
        end(&ledger, &claim, RunStatus::Succeeded).await;
    }
}

async fn attempts_and_their_errors_are_noted(store: Store) {
    let ledger = store.ledger().await;
    drive(&ledger, "r", &["s", "t"]).await;
    for (attempt, wait) in [("1", Some(Duration::from_millis(250))), ("2", None)] {
        ledger.start_attempt("r", "phase", "s", attempt, "host:7").await.unwrap();
        // PostgreSQL knows no NUL, but plugins may.
        let error = format!("no luck\0 {attempt}");
        ledger.fail_attempt("r", "phase", "s", attempt, &error, wait).await.unwrap();
    }
    let splits = ledger.splits("r").await.unwrap();
    assert_eq!(
        (splits[0].attempts, splits[0].last_error.as_deref()),
        (2, Some("no luck\u{fffd} 2"))
    );
    assert_eq!((splits[1].attempts, splits[1].last_error.as_deref()), (0, None));
    assert!(!splits[0].accepted);
    let history = ledger.history("r", 3).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|entry| (entry.kind.as_str(), entry.attempt.as_deref(), entry.split.as_deref()))
        .collect();
    let about = |kind, attempt| (kind, Some(attempt), Some("s"));
    assert_eq!(
        told,
        [
            about("attempt.started", "1"),
            about("attempt.failed", "1"),
            about("attempt.started", "2"),
            about("attempt.failed", "2"),
        ]
    );
    assert_eq!(history[0].detail, json!({ "process": "host:7" }));
    assert_eq!(history[1].detail, json!({ "error": "no luck\0 1", "retry_in_ms": 250 }));
    assert_eq!(history[3].detail["retry_in_ms"], json!(null));
}

async fn a_manifest_can_be_dropped_while_the_run_goes_on(store: Store) {
    let ledger = store.ledger().await;
    let claim = drive(&ledger, "r", &["s", "t"]).await;
    for split in ["s", "t"] {
        let held = [quarantined(split, 1, split)];
        ledger.accept("r", "phase", split, "a", &json!({}), &held).await.unwrap();
    }
    ledger.drop_manifest("r", "phase", "s", "its file is gone").await.unwrap();
    let splits = ledger.splits("r").await.unwrap();
    assert_eq!(splits.iter().map(|split| split.accepted).collect::<Vec<_>>(), [false, true]);
    assert_eq!(ledger.quarantine("r").await.unwrap(), [quarantined("t", 1, "t")]);
    assert_eq!(accept(&ledger, "r", "s").await, Acceptance::Accepted);
    assert!(story(&ledger, "r").await.contains(&"split.dropped".to_owned()));
    ledger.start_commit(&claim).await.unwrap();
    let error = ledger.drop_manifest("r", "phase", "s", "too late").await.unwrap_err();
    let committing = RunStatus::Committing;
    assert!(
        matches!(&error, LedgerError::Closed { status, .. } if *status == committing),
        "{error}"
    );
    assert_eq!(ledger.manifests("r").await.unwrap().len(), 2);
    assert_eq!(status(&ledger, "r").await, RunStatus::Committing);
}

async fn manifests_are_in_the_order_of_the_plan(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    // The names are in another order than phases and positions.
    plan(&ledger, "r", "z", 0, &["s9", "s10", "S1"]).await;
    plan(&ledger, "r", "a", 1, &["only"]).await;
    plan(&ledger, "r", "b", 0, &["only"]).await;
    for (phase, split) in [("a", "only"), ("b", "only"), ("z", "S1"), ("z", "s10"), ("z", "s9")] {
        ledger.accept("r", phase, split, "1", &json!({}), &[]).await.unwrap();
    }
    let expected = [("z", "s9"), ("z", "s10"), ("z", "S1"), ("b", "only"), ("a", "only")];
    let manifests = ledger.manifests("r").await.unwrap();
    let found: Vec<_> = manifests.iter().map(|it| (it.phase.as_str(), it.split.as_str())).collect();
    assert_eq!(found, expected);
    let splits = ledger.splits("r").await.unwrap();
    let found: Vec<_> = splits.iter().map(|it| (it.phase.as_str(), it.split.as_str())).collect();
    assert_eq!(found, expected);
    assert_eq!(splits.iter().map(|split| split.level).collect::<Vec<_>>(), [0, 0, 0, 0, 1]);
}

async fn an_attempt_at_what_was_never_planned_fails(store: Store) {
    let ledger = store.ledger().await;
    drive(&ledger, "r", &["s"]).await;
    let before = story(&ledger, "r").await;
    let error = ledger.accept("r", "phase", "t", "1", &json!({}), &[]).await.unwrap_err();
    assert!(matches!(error, LedgerError::Query { .. }) && !error.is_chance(), "{error}");
    assert_eq!(story(&ledger, "r").await, before, "nothing of it happened");
    assert_eq!(accept(&ledger, "r", "s").await, Acceptance::Accepted);
}
