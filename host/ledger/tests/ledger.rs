//! The rules of the ledger, on real files.

use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use wasmill_ledger::{CursorEntry, Ledger, LedgerError, QuarantineEntry, RunStatus};

const URL: &str = "sqlite://deep/down/ledger.db";

async fn ledger() -> (TempDir, Ledger) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ledger = Ledger::create(URL, folder.path()).await.expect("a new ledger");
    (folder, ledger)
}

fn quarantined(rows: i64) -> QuarantineEntry {
    QuarantineEntry {
        step: "clean".to_owned(),
        split: "s".to_owned(),
        rule: "bad-date".to_owned(),
        column: None,
        rows,
        file: "q.arrow".to_owned(),
    }
}

#[tokio::test]
async fn only_one_attempt_at_a_split_counts() {
    let (_folder, ledger) = ledger().await;
    ledger.start_run("r", "p", "digest", 1).await.unwrap();
    ledger.add_splits("r", "phase", &[("s".to_owned(), json!({ "file": 1 }))]).await.unwrap();
    // Eight attempts end at the same time, each with its own manifest.
    let ledger = Arc::new(ledger);
    let attempts: Vec<_> = (0..8)
        .map(|attempt| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move {
                let (name, manifest) = (format!("a{attempt}"), json!({ "attempt": attempt }));
                ledger
                    .accept("r", "phase", "s", &name, &manifest, &[quarantined(attempt + 1)])
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut accepted = Vec::new();
    for (attempt, accepting) in attempts.into_iter().enumerate() {
        if accepting.await.unwrap() {
            accepted.push(attempt);
        }
    }
    let [winner] = accepted[..] else { panic!("{accepted:?}") };
    let manifests = ledger.manifests("r").await.unwrap();
    assert_eq!(manifests.len(), 1);
    assert_eq!(manifests[0].manifest, json!({ "attempt": winner }));
    // The quarantine is that of the attempt that counts.
    let quarantine = ledger.quarantine("r").await.unwrap();
    assert_eq!(quarantine, [quarantined(winner as i64 + 1)]);
    assert!(ledger.splits("r").await.unwrap()[0].accepted);
}

/// One that starts a run, and others that look for runs meanwhile: each has connections of its own, as processes do.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_can_be_opened_while_it_is_created() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let opening: Vec<_> = (0..8)
            .map(|index| {
                let folder = folder.path().to_owned();
                tokio::spawn(async move {
                    if index % 2 == 0 {
                        return Ledger::create(URL, &folder).await.map(drop);
                    }
                    match Ledger::open(URL, &folder).await {
                        Ok(ledger) => ledger.runs(None, 1).await.map(drop),
                        Err(LedgerError::Missing { .. }) => Ok(()),
                        Err(error) => Err(error),
                    }
                })
            })
            .collect();
        for opening in opening {
            opening.await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn attempts_and_their_errors_are_noted() {
    let (_folder, ledger) = ledger().await;
    ledger.start_run("r", "p", "digest", 1).await.unwrap();
    ledger.add_splits("r", "phase", &[("s".to_owned(), json!(null))]).await.unwrap();
    for _ in 0..2 {
        ledger.start_attempt("r", "phase", "s").await.unwrap();
    }
    ledger.fail_attempt("r", "phase", "s", "no luck").await.unwrap();
    let splits = ledger.splits("r").await.unwrap();
    assert_eq!((splits[0].attempts, splits[0].last_error.as_deref()), (2, Some("no luck")));
    assert!(!splits[0].accepted);
}

#[tokio::test]
async fn cursors_move_when_a_run_ends_and_belong_to_a_pipeline() {
    let (_folder, ledger) = ledger().await;
    let cursor = |position: &str| CursorEntry {
        source: "api".to_owned(),
        split: "0".to_owned(),
        position: position.to_owned(),
    };
    for (run, pipeline, position) in [("r1", "p", "10"), ("r2", "p", "20"), ("r3", "other", "5")] {
        ledger.start_run(run, pipeline, "digest", 1).await.unwrap();
        ledger
            .end_run(run, RunStatus::Succeeded, None, &json!({}), &[cursor(position)])
            .await
            .unwrap();
    }
    assert_eq!(ledger.cursors("p", "api").await.unwrap(), [cursor("20")]);
    assert_eq!(ledger.cursors("other", "api").await.unwrap(), [cursor("5")]);
    assert_eq!(ledger.cursors("p", "else").await.unwrap(), []);
}

#[tokio::test]
async fn runs_are_found_by_the_beginning_of_their_id() {
    let (folder, ledger) = ledger().await;
    for (index, run) in ["2025-a", "2025-b", "2026"].into_iter().enumerate() {
        ledger.start_run(run, "p", "digest", index as i64).await.unwrap();
    }
    ledger.start_commit("2026").await.unwrap();
    let id = async |run: &str| ledger.run(run).await.unwrap().map(|run| run.id);
    assert_eq!(id("2026").await.as_deref(), Some("2026"));
    assert_eq!(id("2025-a").await.as_deref(), Some("2025-a"));
    assert_eq!(id("2025").await, None, "two begin like that");
    assert_eq!(id("1999").await, None);
    let listed: Vec<_> = ledger.runs(Some("p"), 2).await.unwrap();
    assert_eq!(listed.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ["2026", "2025-b"]);
    assert_eq!(listed[0].status, RunStatus::Committing);
    // Whoever opens it again finds the same.
    let again = Ledger::open(URL, folder.path()).await.unwrap();
    assert_eq!(again.runs(None, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_event_waits_until_it_is_delivered() {
    let (_folder, ledger) = ledger().await;
    ledger.start_run("r", "p", "digest", 1).await.unwrap();
    for _ in 0..2 {
        ledger.enqueue("r", "ops", "r/run.failed", &json!({ "kind": "run.failed" })).await.unwrap();
    }
    let waiting = ledger.undelivered("p").await.unwrap();
    assert_eq!(waiting.len(), 1, "the same event is there once");
    ledger.delivered(&waiting[0], Some("nobody listens")).await.unwrap();
    let waiting = ledger.undelivered("p").await.unwrap();
    assert_eq!(waiting[0].last_error.as_deref(), Some("nobody listens"));
    ledger.delivered(&waiting[0], None).await.unwrap();
    assert!(ledger.undelivered("p").await.unwrap().is_empty());
    assert_eq!(ledger.outbox("r").await.unwrap()[0].attempts, 2);
}

#[tokio::test]
async fn what_is_no_ledger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["ledger.db", "sqlite://", "postgres://localhost/wasmill"] {
        let error = Ledger::create(url, folder.path()).await.unwrap_err();
        assert!(matches!(error, LedgerError::Url { .. }), "{url}: {error}");
    }
    let error = Ledger::open(URL, folder.path()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
    std::fs::write(folder.path().join("text.db"), "this is no database at all, whatever its name")
        .unwrap();
    assert!(Ledger::open("sqlite://text.db", folder.path()).await.is_err());
}
