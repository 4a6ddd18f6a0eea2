//! Quarantined rows: each goes into one replay at a time, and once it was published into no other.

use serde_json::json;
use wasmill_ledger::{
    Entered, Ledger, LedgerError, Purging, ReplayedRow, RowRef, RowToPurge, RunKind, RunKindName,
    RunStatus,
};

use crate::store::{
    Store, accept, claim, drive, end, ended, enter, new_run, quarantined, status, story,
};

super::on_both!(
    a_row_is_taken_by_one_replay,
    rows_of_a_replay_that_is_given_up_can_be_taken_again,
    a_replay_takes_many_rows,
    two_replays_at_the_same_time_share_no_row,
    a_replay_neither_gives_up_runs_nor_is_given_up,
    purged_rows_and_files_are_noted_once,
);

fn rows(run: &str, file: &str, indexes: impl IntoIterator<Item = i64>) -> Vec<RowRef> {
    let row = |index| RowRef { run: run.to_owned(), file: file.to_owned(), index };
    indexes.into_iter().map(row).collect()
}

async fn replay(ledger: &Ledger, id: &str, rows: Vec<RowRef>) -> Entered {
    let kind = RunKind::Replay { of: "r".to_owned(), rows };
    ledger.enter_run(&new_run(id, "p", 1, kind)).await.unwrap()
}

async fn a_row_is_taken_by_one_replay(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let mut wanted = rows("r", "a", [0, 2]);
    wanted.extend(rows("r", "b", [1]));
    // Twice the same row is that row.
    wanted.extend(rows("r", "a", [2]));
    assert!(matches!(replay(&ledger, "x", wanted).await, Entered::New));
    let run = ledger.run("x").await.unwrap().unwrap();
    assert_eq!((run.kind, run.replays.as_deref()), (RunKindName::Replay, Some("r")));
    let taken = replay(&ledger, "y", rows("r", "a", [1, 2, 3])).await;
    assert!(matches!(&taken, Entered::RowsTaken { by } if by == "x"), "{taken:?}");
    assert!(ledger.run("y").await.unwrap().is_none(), "nothing of it is there");
    assert!(matches!(replay(&ledger, "y", rows("r", "a", [1, 3])).await, Entered::New));
    let driver = claim(&ledger, "x").await;
    ledger.start_commit(&driver).await.unwrap();
    assert_eq!(end(&ledger, &driver, RunStatus::Succeeded).await, ended());
    let row = |index, by: &str, done| ReplayedRow { index, by: by.to_owned(), done };
    let replayed = ledger.replayed_rows("r").await.unwrap();
    let expected = [row(0, "x", true), row(1, "y", false), row(2, "x", true), row(3, "y", false)];
    assert_eq!(replayed["a"], expected);
    assert_eq!(replayed["b"], [row(1, "x", true)]);
    assert!(ledger.replayed_rows("x").await.unwrap().is_empty());
    let taken = replay(&ledger, "z", rows("r", "a", [0])).await;
    assert!(matches!(&taken, Entered::RowsTaken { by } if by == "x"), "for good: {taken:?}");
    let entry = ledger.history("r", 0).await.unwrap().pop().unwrap();
    assert_eq!(entry.kind, "quarantine.replayed");
    assert_eq!(entry.detail, json!({ "by": "x", "rows": 3 }));
    let kind = RunKind::Replay { of: "nobody".to_owned(), rows: Vec::new() };
    let error = ledger.enter_run(&new_run("n", "p", 1, kind)).await.unwrap_err();
    assert!(matches!(error, LedgerError::NoRun { .. }), "{error}");
}

async fn rows_of_a_replay_that_is_given_up_can_be_taken_again(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    replay(&ledger, "x", rows("r", "a", [0])).await;
    let driver = claim(&ledger, "x").await;
    end(&ledger, &driver, RunStatus::Failed).await;
    let taken = replay(&ledger, "y", rows("r", "a", [0])).await;
    assert!(matches!(taken, Entered::RowsTaken { .. }), "it can be resumed: {taken:?}");
    let driver = claim(&ledger, "x").await;
    end(&ledger, &driver, RunStatus::Aborted).await;
    assert!(ledger.replayed_rows("r").await.unwrap().is_empty());
    assert!(matches!(replay(&ledger, "y", rows("r", "a", [0])).await, Entered::New));
    let told = story(&ledger, "r").await;
    assert!(!told.contains(&"quarantine.replayed".to_owned()), "none has succeeded: {told:?}");
}

async fn a_replay_takes_many_rows(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    assert!(matches!(replay(&ledger, "x", rows("r", "a", 0..2500)).await, Entered::New));
    assert_eq!(ledger.replayed_rows("r").await.unwrap()["a"].len(), 2500);
    let taken = replay(&ledger, "y", rows("r", "a", 2499..5000)).await;
    assert!(matches!(taken, Entered::RowsTaken { .. }), "{taken:?}");
    assert_eq!(ledger.replayed_rows("r").await.unwrap()["a"].len(), 2500);
}

async fn two_replays_at_the_same_time_share_no_row(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let entering: Vec<_> = (0..8)
        .map(|number| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                // Each overlaps with its neighbours, and asks in another order.
                let mut wanted = rows("r", "a", number..number + 2);
                if number % 2 == 0 {
                    wanted.reverse();
                }
                replay(&ledger, &format!("x{number}"), wanted).await
            })
        })
        .collect();
    let mut entered = 0;
    for entering in entering {
        match entering.await.unwrap() {
            Entered::New => entered += 1,
            Entered::RowsTaken { .. } => {}
            Entered::Exists(run) => panic!("{}", run.id),
            Entered::RowsPurged => panic!("nobody has removed any"),
        }
    }
    let replayed = ledger.replayed_rows("r").await.unwrap();
    assert_eq!(replayed["a"].len(), 2 * entered);
}

async fn a_replay_neither_gives_up_runs_nor_is_given_up(store: Store) {
    let ledger = store.ledger().await;
    let older = drive(&ledger, "r", &["s"]).await;
    replay(&ledger, "x", rows("r", "a", [0])).await;
    replay(&ledger, "y", rows("r", "a", [1])).await;
    let replaying = claim(&ledger, "y").await;
    ledger.start_commit(&replaying).await.unwrap();
    assert_eq!(end(&ledger, &replaying, RunStatus::Succeeded).await, ended());
    assert_eq!(status(&ledger, "r").await, RunStatus::Running);
    assert!(ledger.latest_success("p").await.unwrap().is_none());
    end(&ledger, &older, RunStatus::Failed).await;
    let newer = drive(&ledger, "newer", &["s"]).await;
    accept(&ledger, "newer", "s").await;
    ledger.start_commit(&newer).await.unwrap();
    end(&ledger, &newer, RunStatus::Succeeded).await;
    assert_eq!(status(&ledger, "r").await, RunStatus::Aborted);
    assert_eq!(status(&ledger, "x").await, RunStatus::Running, "its rows are in no other run");
    assert_eq!(ledger.replayed_rows("r").await.unwrap()["a"].len(), 2);
}

async fn purged_rows_and_files_are_noted_once(store: Store) {
    let ledger = store.ledger().await;
    drive(&ledger, "r", &["s", "t", "u"]).await;
    for (split, count, file) in [("s", 2, "one"), ("t", 3, "two"), ("u", 4, "three")] {
        let held = [
            quarantined(split, count, file),
            wasmill_ledger::QuarantineEntry {
                rule: "no-id".to_owned(),
                column: Some("id".to_owned()),
                ..quarantined(split, 10, file)
            },
        ];
        ledger.accept("r", "phase", split, "1", &json!({}), &held).await.unwrap();
    }
    let files = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let row = |file: &str, index| RowToPurge {
        file: file.to_owned(),
        index,
        reasons: vec![("bad-date".to_owned(), None), ("no-id".to_owned(), Some("id".to_owned()))],
    };
    let both = [row("one", 0), row("one", 1), row("two", 7)];
    let noted = ledger.purge_rows("r", &both, &files(&["one", "two"])).await.unwrap();
    assert_eq!(noted, Purging::Noted(3));
    let noted = ledger.purge_rows("r", &both[1..], &files(&["two", "nowhere"])).await.unwrap();
    assert_eq!(noted, Purging::Noted(0), "they are noted already");
    let rows = ledger.purged_rows("r").await.unwrap();
    assert_eq!(rows["one"].iter().map(|row| row.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((rows["two"][0].index, &rows["two"][0].reasons), (7, &both[2].reasons));
    let purged: Vec<_> = ledger
        .quarantine("r")
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.rule, entry.column, entry.file, entry.purged_ms.is_some()))
        .collect();
    let entry = |rule: &str, column: Option<&str>, file: &str, purged| {
        (rule.to_owned(), column.map(str::to_owned), file.to_owned(), purged)
    };
    let expected = [
        entry("bad-date", None, "one", true),
        entry("bad-date", None, "two", true),
        entry("bad-date", None, "three", false),
        entry("no-id", Some("id"), "one", true),
        entry("no-id", Some("id"), "two", true),
        entry("no-id", Some("id"), "three", false),
    ];
    assert_eq!(purged, expected);
    let told = story(&ledger, "r").await;
    assert_eq!(told.iter().filter(|kind| *kind == "quarantine.purged").count(), 1);
    let error = ledger.purge_rows("nobody", &[], &[]).await.unwrap_err();
    assert!(matches!(error, LedgerError::NoRun { .. }), "{error}");
}
