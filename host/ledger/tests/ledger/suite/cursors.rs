//! Cursors: they move with the run that read on, and only one of two that read the same publishes.

use wasmill_ledger::{Claim, CommitStart, CursorEntry, Ledger, NewPhase, RunStatus};

use crate::store::{Store, claim, cursor, end, end_with, ended, enter, enter_at, split, status};

super::on_both!(
    cursors_move_when_a_run_succeeds_and_belong_to_a_pipeline,
    of_two_runs_that_read_the_same_one_publishes,
    a_run_waits_for_one_that_is_publishing_what_it_read,
    a_cursor_that_was_not_there_counts_too,
    a_phase_that_is_planned_anew_sees_the_cursors_of_now,
    a_position_may_be_any_text,
);

/// A run that planned `api` with these cursors.
async fn reading(ledger: &Ledger, run: &str, seen: &[CursorEntry]) -> Claim {
    enter(ledger, run).await;
    let driver = claim(ledger, run).await;
    see(ledger, run, seen).await;
    driver
}

async fn see(ledger: &Ledger, run: &str, seen: &[CursorEntry]) {
    let cursors = [("api".to_owned(), seen.to_vec())];
    let splits = [split("s", 0)];
    let phase = NewPhase { phase: "x", level: 0, digest: "", splits: &splits, cursors: &cursors };
    ledger.add_phase(run, &phase).await.unwrap();
}

async fn cursors_move_when_a_run_succeeds_and_belong_to_a_pipeline(store: Store) {
    let ledger = store.ledger().await;
    for (run, pipeline, position, to) in [
        ("r1", "p", "10", RunStatus::Succeeded),
        ("r2", "p", "20", RunStatus::Succeeded),
        ("r3", "p", "30", RunStatus::Failed),
        ("r4", "other", "5", RunStatus::Succeeded),
    ] {
        enter_at(&ledger, run, pipeline, 1).await;
        let driver = claim(&ledger, run).await;
        let cursors = [cursor("api", "b", position), cursor("api", "B", "upper")];
        assert_eq!(end_with(&ledger, &driver, to, &cursors).await, ended());
    }
    let expected = [cursor("api", "B", "upper"), cursor("api", "b", "20")];
    assert_eq!(ledger.cursors("p", "api").await.unwrap(), expected);
    let expected = [cursor("api", "B", "upper"), cursor("api", "b", "5")];
    assert_eq!(ledger.cursors("other", "api").await.unwrap(), expected);
    assert_eq!(ledger.cursors("p", "else").await.unwrap(), []);
}

async fn of_two_runs_that_read_the_same_one_publishes(store: Store) {
    let ledger = store.ledger().await;
    let first = reading(&ledger, "first", &[]).await;
    let second = reading(&ledger, "second", &[]).await;
    assert_eq!(ledger.start_commit(&second).await.unwrap(), CommitStart::Begun);
    let moved = [cursor("api", "0", "10")];
    end_with(&ledger, &second, RunStatus::Succeeded, &moved).await;
    // It was given up, as an older run is; had it been entered later, its cursors would keep it back.
    let closed = CommitStart::Closed(RunStatus::Aborted);
    assert_eq!(ledger.start_commit(&first).await.unwrap(), closed);
    let third = reading(&ledger, "third", &[]).await;
    let by = |run: &str| CommitStart::CursorsMoved {
        source: "api".to_owned(),
        by: Some(run.to_owned()),
    };
    assert_eq!(ledger.start_commit(&third).await.unwrap(), by("second"));
    assert_eq!(status(&ledger, "third").await, RunStatus::Running, "nothing has changed");
    let fourth = reading(&ledger, "fourth", &moved).await;
    assert_eq!(ledger.start_commit(&fourth).await.unwrap(), CommitStart::Begun);
    end_with(&ledger, &fourth, RunStatus::Succeeded, &[cursor("api", "0", "20")]).await;
    let fifth = reading(&ledger, "fifth", &moved).await;
    assert_eq!(ledger.start_commit(&fifth).await.unwrap(), by("fourth"));
}

async fn a_run_waits_for_one_that_is_publishing_what_it_read(store: Store) {
    let ledger = store.ledger().await;
    let older = reading(&ledger, "older", &[]).await;
    ledger.start_commit(&older).await.unwrap();
    // Its driver is gone before the cursors move.
    let newer = reading(&ledger, "newer", &[]).await;
    let moved =
        CommitStart::CursorsMoved { source: "api".to_owned(), by: Some("older".to_owned()) };
    assert_eq!(ledger.start_commit(&newer).await.unwrap(), moved);
    // One that reads something else waits too: the sinks are the same.
    enter(&ledger, "else").await;
    let other = claim(&ledger, "else").await;
    let publishing = CommitStart::AnotherPublishes { run: "older".to_owned() };
    assert_eq!(ledger.start_commit(&other).await.unwrap(), publishing);
}

async fn a_cursor_that_was_not_there_counts_too(store: Store) {
    let ledger = store.ledger().await;
    let first = reading(&ledger, "first", &[]).await;
    ledger.start_commit(&first).await.unwrap();
    let moved = [cursor("api", "0", "10"), cursor("api", "1", "10")];
    end_with(&ledger, &first, RunStatus::Succeeded, &moved).await;
    let behind = reading(&ledger, "behind", &moved[..1]).await;
    let by_first =
        CommitStart::CursorsMoved { source: "api".to_owned(), by: Some("first".to_owned()) };
    assert_eq!(ledger.start_commit(&behind).await.unwrap(), by_first);
    let three = [moved[0].clone(), moved[1].clone(), cursor("api", "2", "1")];
    let ahead = reading(&ledger, "ahead", &three).await;
    let by_nobody = CommitStart::CursorsMoved { source: "api".to_owned(), by: None };
    assert_eq!(ledger.start_commit(&ahead).await.unwrap(), by_nobody);
}

async fn a_phase_that_is_planned_anew_sees_the_cursors_of_now(store: Store) {
    let ledger = store.ledger().await;
    let first = reading(&ledger, "first", &[]).await;
    let second = reading(&ledger, "second", &[]).await;
    ledger.start_commit(&first).await.unwrap();
    let moved = [cursor("api", "0", "10")];
    end_with(&ledger, &first, RunStatus::Succeeded, &moved).await;
    let refused = ledger.start_commit(&second).await.unwrap();
    assert!(matches!(refused, CommitStart::CursorsMoved { .. }), "{refused:?}");
    ledger.drop_phase("second", "x", "cursors have moved").await.unwrap();
    see(&ledger, "second", &moved).await;
    assert_eq!(ledger.start_commit(&second).await.unwrap(), CommitStart::Begun);
    end(&ledger, &second, RunStatus::Succeeded).await;
    assert_eq!(ledger.cursors("p", "api").await.unwrap(), moved, "it read nothing further");
}

/// Plugins choose positions, and a run that is publishing must be able to end.
async fn a_position_may_be_any_text(store: Store) {
    let ledger = store.ledger().await;
    let mut seen = Vec::new();
    for (number, position) in
        ["", "\0", "a\0b\u{1}\"\\", "\u{1}\"x\"", "\u{1}", "\"x\"", "ä🦀\n"].iter().enumerate()
    {
        let run = format!("r{number}");
        let driver = reading(&ledger, &run, &seen).await;
        assert_eq!(ledger.start_commit(&driver).await.unwrap(), CommitStart::Begun, "{position:?}");
        seen = vec![cursor("api", "0", position)];
        assert_eq!(end_with(&ledger, &driver, RunStatus::Succeeded, &seen).await, ended());
        assert_eq!(ledger.cursors("p", "api").await.unwrap(), seen);
    }
}
