//! The history: complete, in order, and never ahead of what it tells.

use serde_json::json;
use wasmill_ledger::{HistoryEntry, LedgerError, RunStatus};

use crate::store::{Store, accept, claim, drive, end, enter, story};

super::on_both!(
    a_run_has_one_story_from_its_beginning_to_its_end,
    others_add_what_they_know,
    whoever_follows_misses_nothing,
);

async fn a_run_has_one_story_from_its_beginning_to_its_end(store: Store) {
    let ledger = store.ledger().await;
    let driver = drive(&ledger, "r", &["s"]).await;
    end(&ledger, &driver, RunStatus::Failed).await;
    let driver = claim(&ledger, "r").await;
    ledger.start_attempt("r", "phase", "s", "attempt", "me").await.unwrap();
    accept(&ledger, "r", "s").await;
    ledger.start_commit(&driver).await.unwrap();
    ledger.add_commit(&driver, "out", &json!({})).await.unwrap();
    end(&ledger, &driver, RunStatus::Succeeded).await;
    let expected = [
        "run.entered",
        "phase.planned",
        "run.claimed",
        "run.ended",
        "run.claimed",
        "attempt.started",
        "attempt.accepted",
        "commit.begun",
        "sink.committed",
        "run.ended",
    ];
    assert_eq!(story(&ledger, "r").await, expected);
    let ends = ledger.history("r", 3).await.unwrap();
    assert_eq!(ends[0].detail, json!({ "status": "failed", "error": "no luck" }));
    assert_eq!(ends[6].detail, json!({ "status": "succeeded", "error": null }));
}

async fn others_add_what_they_know(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    ledger.note("r", "swept", json!({ "files": ["ä", "\u{0}"] })).await.unwrap();
    let entry = ledger.history("r", 1).await.unwrap().pop().unwrap();
    assert!(entry.at_ms > 0);
    let expected = HistoryEntry {
        seq: 2,
        at_ms: entry.at_ms,
        kind: "swept".to_owned(),
        phase: None,
        split: None,
        attempt: None,
        detail: json!({ "files": ["ä", "\u{0}"] }),
    };
    assert_eq!(entry, expected);
    let error = ledger.note("nobody", "swept", json!({})).await.unwrap_err();
    assert!(matches!(error, LedgerError::NoRun { .. }), "{error}");
    assert!(ledger.history("nobody", 0).await.unwrap().is_empty());
}

/// Entries become visible in the order of their numbers, so that one may ask for what comes after the last that was seen.
async fn whoever_follows_misses_nothing(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let mut writing = Vec::new();
    for writer in 0..4 {
        let ledger = store.ledger().await;
        writing.push(tokio::spawn(async move {
            for number in 0..15 {
                ledger.note("r", "noted", json!([writer, number])).await.unwrap();
            }
        }));
    }
    let mut seen = Vec::new();
    while seen.len() < 61 {
        let after = seen.last().map_or(0, |entry: &HistoryEntry| entry.seq);
        seen.extend(ledger.history("r", after).await.unwrap());
    }
    for writing in writing {
        writing.await.unwrap();
    }
    let numbers: Vec<i64> = seen.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=61).collect::<Vec<i64>>());
}
