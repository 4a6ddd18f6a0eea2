//! Entering runs, and looking for them.

use serde_json::json;
use wasmill_ledger::{Entered, LedgerError, NewRun, RunKind, RunKindName, RunStatus};

use crate::store::{Store, claim, end, enter, enter_at, new_run};

super::on_both!(
    a_run_is_entered_once,
    what_was_entered_is_there_for_whoever_opens_it_next,
    runs_are_found_by_the_beginning_of_their_id,
    order_is_that_of_entering_whatever_the_clock_says,
    runs_that_are_entered_at_the_same_time_have_an_order,
    statuses_are_looked_up_for_many,
    an_id_that_can_be_no_file_is_refused,
);

async fn a_run_is_entered_once(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let again = ledger.enter_run(&new_run("r", "other", 9, RunKind::Run)).await.unwrap();
    let Entered::Exists(run) = again else { panic!("{again:?}") };
    assert_eq!((run.id.as_str(), run.pipeline.as_str(), run.started_ms), ("r", "p", 1));
    assert_eq!(run.status, RunStatus::Running);
    assert_eq!(ledger.runs(None, 10).await.unwrap().len(), 1);
    // Nothing was counted for the second.
    enter(&ledger, "s").await;
    assert_eq!(ledger.run("s").await.unwrap().unwrap().ordinal, 2);
}

async fn what_was_entered_is_there_for_whoever_opens_it_next(store: Store) {
    let fingerprint = json!({ "plugins": { "clean": "abc" }, "text": "ä\u{0}\u{1f980}" });
    let new = NewRun {
        id: "r",
        pipeline: "p",
        file_digest: "digest",
        kind: RunKind::Run,
        fingerprint: &fingerprint,
        started_ms: 5,
    };
    assert!(matches!(store.ledger().await.enter_run(&new).await.unwrap(), Entered::New));
    let run = store.ledger().await.run("r").await.unwrap().unwrap();
    assert_eq!(run.fingerprint, fingerprint);
    assert_eq!((run.kind, run.replays, run.epoch), (RunKindName::Run, None, 0));
    assert_eq!((run.ended_ms, run.error, run.summary), (None, None, None));
}

async fn runs_are_found_by_the_beginning_of_their_id(store: Store) {
    let ledger = store.ledger().await;
    for run in ["2025-a", "2025-b", "2026", "2026-c"] {
        enter(&ledger, run).await;
    }
    let id = async |run: &str| ledger.run(run).await.unwrap().map(|run| run.id);
    assert_eq!(id("2026").await.as_deref(), Some("2026"), "another one begins like that");
    assert_eq!(id("2026-").await.as_deref(), Some("2026-c"));
    assert_eq!(id("2025-a").await.as_deref(), Some("2025-a"));
    assert_eq!(id("2025").await, None, "two begin like that");
    assert_eq!(id("1999").await, None);
    assert_eq!(id("%").await, None);
}

async fn order_is_that_of_entering_whatever_the_clock_says(store: Store) {
    let ledger = store.ledger().await;
    // The clock is set back while they are entered, and stands still.
    for (run, started_ms) in [("first", 900), ("second", 100), ("third", 100), ("fourth", 50)] {
        enter_at(&ledger, run, "p", started_ms).await;
    }
    enter_at(&ledger, "other", "q", 1).await;
    let runs = ledger.runs(Some("p"), 3).await.unwrap();
    let ids: Vec<_> = runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["fourth", "third", "second"]);
    assert_eq!(ledger.runs(None, 10).await.unwrap().len(), 5);
    for run in ["third", "first"] {
        let claim = claim(&ledger, run).await;
        ledger.start_commit(&claim).await.unwrap();
    }
    let unfinished = ledger.unfinished("p").await.unwrap();
    let ids: Vec<_> = unfinished.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["first", "second", "third", "fourth"]);
    assert!(ledger.latest_success("p").await.unwrap().is_none());
    for run in ["third", "first"] {
        let claim = claim(&ledger, run).await;
        end(&ledger, &claim, RunStatus::Succeeded).await;
    }
    let latest = ledger.latest_success("p").await.unwrap().unwrap();
    assert_eq!(latest.id, "third", "it was entered later, though it ended earlier");
}

async fn runs_that_are_entered_at_the_same_time_have_an_order(store: Store) {
    let ledger = store.ledger().await;
    let entering: Vec<_> = (0..24)
        .map(|index| {
            let ledger = ledger.clone();
            tokio::spawn(async move { enter(&ledger, &format!("r{index}")).await })
        })
        .collect();
    for entering in entering {
        entering.await.unwrap();
    }
    let mut ordinals: Vec<i64> =
        ledger.runs(None, 100).await.unwrap().iter().map(|run| run.ordinal).collect();
    ordinals.reverse();
    assert_eq!(ordinals, (1..=24).collect::<Vec<i64>>());
}

async fn statuses_are_looked_up_for_many(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r1").await;
    enter(&ledger, "r1200").await;
    let claim = claim(&ledger, "r1200").await;
    end(&ledger, &claim, RunStatus::Refused).await;
    let ids: Vec<String> = (0..1300).map(|index| format!("r{index}")).collect();
    let statuses = ledger.statuses(&ids).await.unwrap();
    let expected = [("r1", RunStatus::Running), ("r1200", RunStatus::Refused)];
    let expected = expected.map(|(run, status)| (run.to_owned(), status));
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), expected);
    assert!(ledger.statuses(&[]).await.unwrap().is_empty());
}

async fn an_id_that_can_be_no_file_is_refused(store: Store) {
    let ledger = store.ledger().await;
    for id in ["../up", "", "a b"] {
        let error = ledger.enter_run(&new_run(id, "p", 1, RunKind::Run)).await.unwrap_err();
        assert!(matches!(error, LedgerError::RunId { .. }), "{error}");
    }
    assert!(ledger.runs(None, 1).await.unwrap().is_empty());
}
