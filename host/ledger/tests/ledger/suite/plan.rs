//! Phases, as they were planned once.

use serde_json::json;
use wasmill_ledger::{LedgerError, NewPhase, NewSplit, PhaseEntry, RunStatus};

use crate::store::{Store, claim, cursor, drive, end, enter, plan, quarantined, split, story};

super::on_both!(
    a_phase_stays_as_it_was_planned_first,
    a_phase_may_have_many_splits,
    a_dropped_phase_is_planned_anew,
    the_plan_of_a_run_that_does_not_go_on_is_fixed,
    several_processes_plan_the_same_phase,
);

async fn a_phase_stays_as_it_was_planned_first(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let splits = [NewSplit { lane: 3, ..split("s", 7) }];
    let first = NewPhase { phase: "x", level: 2, digest: "one", splits: &splits, cursors: &[] };
    ledger.add_phase("r", &first).await.unwrap();
    let cursors = [("api".to_owned(), vec![cursor("api", "0", "9")])];
    let other = [split("other", 0)];
    let second = NewPhase { level: 1, digest: "two", splits: &other, cursors: &cursors, ..first };
    ledger.add_phase("r", &second).await.unwrap();
    let splits = ledger.splits("r").await.unwrap();
    assert_eq!(splits.len(), 1);
    let found = (splits[0].split.as_str(), splits[0].lane, splits[0].position, splits[0].level);
    assert_eq!(found, ("s", 3, 7, 2));
    assert_eq!(splits[0].descriptor, json!({ "file": "s" }));
    let phase =
        PhaseEntry { phase: "x".to_owned(), level: 2, ordinal: 1, digest: "one".to_owned() };
    assert_eq!(ledger.phases("r").await.unwrap(), [phase]);
    assert_eq!(story(&ledger, "r").await, ["run.entered", "phase.planned"]);
    let entry = &ledger.history("r", 1).await.unwrap()[0];
    assert_eq!(
        (entry.phase.as_deref(), &entry.detail),
        (Some("x"), &json!({ "level": 2, "splits": 1 }))
    );
}

async fn a_phase_may_have_many_splits(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let splits: Vec<NewSplit> = (0..3210).map(|at| split(&format!("s{at}"), at)).collect();
    let phase = NewPhase { phase: "x", level: 0, digest: "", splits: &splits, cursors: &[] };
    ledger.add_phase("r", &phase).await.unwrap();
    let found = ledger.splits("r").await.unwrap();
    let in_order = (0..).zip(&found).all(|(at, split)| split.split == format!("s{at}"));
    assert!(in_order && found.len() == 3210);
}

async fn a_dropped_phase_is_planned_anew(store: Store) {
    let ledger = store.ledger().await;
    drive(&ledger, "r", &["s"]).await;
    plan(&ledger, "r", "other", 0, &["s"]).await;
    let held = [quarantined("s", 1, "f")];
    for phase in ["phase", "other"] {
        ledger.accept("r", phase, "s", "1", &json!({}), &held).await.unwrap();
    }
    ledger.drop_phase("r", "phase", "its source has changed").await.unwrap();
    let phases: Vec<_> = ledger.phases("r").await.unwrap();
    assert_eq!(phases.iter().map(|phase| phase.phase.as_str()).collect::<Vec<_>>(), ["other"]);
    assert_eq!(ledger.manifests("r").await.unwrap().len(), 1);
    let left = ledger.quarantine("r").await.unwrap();
    assert_eq!(left.iter().map(|entry| entry.phase.as_str()).collect::<Vec<_>>(), ["other"]);
    plan(&ledger, "r", "phase", 0, &["s", "t"]).await;
    let splits = ledger.splits("r").await.unwrap();
    let open: Vec<_> = splits
        .iter()
        .filter(|split| !split.accepted)
        .map(|split| (split.phase.as_str(), split.split.as_str(), split.attempts))
        .collect();
    assert_eq!(open, [("phase", "s", 0), ("phase", "t", 0)]);
    assert!(story(&ledger, "r").await.contains(&"phase.dropped".to_owned()));
}

async fn the_plan_of_a_run_that_does_not_go_on_is_fixed(store: Store) {
    let ledger = store.ledger().await;
    let driver = drive(&ledger, "r", &["s"]).await;
    end(&ledger, &driver, RunStatus::Failed).await;
    let phase = NewPhase { phase: "x", level: 0, digest: "", splits: &[], cursors: &[] };
    let before = story(&ledger, "r").await;
    let errors = [
        ledger.add_phase("r", &phase).await.unwrap_err(),
        ledger.drop_phase("r", "phase", "why").await.unwrap_err(),
        ledger.drop_manifest("r", "phase", "s", "why").await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, LedgerError::Closed { status: RunStatus::Failed, .. }), "{error}");
    }
    assert_eq!(story(&ledger, "r").await, before);
    claim(&ledger, "r").await;
    ledger.add_phase("r", &phase).await.unwrap();
    assert_eq!(ledger.phases("r").await.unwrap().len(), 2);
}

async fn several_processes_plan_the_same_phase(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let mut planning = Vec::new();
    for process in 0..4 {
        let ledger = store.ledger().await;
        planning.push(tokio::spawn(async move {
            let splits: Vec<NewSplit> =
                (0..50).map(|at| split(&format!("{process}-{at}"), at)).collect();
            let phase =
                NewPhase { phase: "x", level: 0, digest: "", splits: &splits, cursors: &[] };
            ledger.add_phase("r", &phase).await.unwrap();
        }));
    }
    for planning in planning {
        planning.await.unwrap();
    }
    let splits = ledger.splits("r").await.unwrap();
    assert_eq!(splits.len(), 50);
    let (winner, _) = splits[0].split.split_once('-').unwrap();
    let prefix = format!("{winner}-");
    assert!(splits.iter().all(|split| split.split.starts_with(&prefix)));
    assert_eq!(story(&ledger, "r").await, ["run.entered", "phase.planned"]);
}
