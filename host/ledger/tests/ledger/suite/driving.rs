//! Claims: one driver at a time, and none that was thought dead publishes.

use serde_json::json;
use wasmill_ledger::{
    Acceptance, CommitStart, EndOfRun, Ended, LedgerError, NewNotification, RunStatus,
};

use crate::store::{
    Store, accept, claim, cursor, drive, end, ended, enter, enter_at, status, story,
};

super::on_both!(
    a_claim_says_what_the_run_was_and_lets_it_go_on,
    a_driver_that_was_taken_over_publishes_nothing,
    a_run_that_is_over_stays_over,
    a_run_that_publishes_can_only_be_finished,
    publishing_begins_and_is_noted_once,
    a_success_gives_up_what_was_entered_before_it,
    two_that_claim_at_the_same_time_get_different_epochs,
    what_was_begun_before_a_claim_counts_no_more,
    a_run_does_not_begin_to_publish_while_another_one_does,
    a_commit_that_failed_is_noted_by_its_driver_only,
    what_a_run_is_made_of_is_changed_by_its_driver_only,
);

async fn a_claim_says_what_the_run_was_and_lets_it_go_on(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let mut driver = claim(&ledger, "r").await;
    assert_eq!((driver.epoch, driver.status), (1, RunStatus::Running));
    for (epoch, to) in
        [(2, RunStatus::Failed), (3, RunStatus::Refused), (4, RunStatus::Interrupted)]
    {
        assert_eq!(end(&ledger, &driver, to).await, ended());
        let run = ledger.run("r").await.unwrap().unwrap();
        assert_eq!((run.status, run.error.as_deref()), (to, Some("no luck")));
        assert!(run.ended_ms.is_some());
        assert_eq!(run.summary, Some(json!({ "status": to })));
        // That it ended is told to whoever asks again, after an answer that was lost.
        assert_eq!(end(&ledger, &driver, to).await, Ended::Closed(to));
        driver = claim(&ledger, "r").await;
        assert_eq!((driver.epoch, driver.status), (epoch, to));
        let run = ledger.run("r").await.unwrap().unwrap();
        assert_eq!((run.status, run.epoch), (RunStatus::Running, epoch));
        assert_eq!((run.error, run.ended_ms, run.summary), (None, None, None));
    }
    let entry = &ledger.history("r", 1).await.unwrap()[0];
    assert_eq!(entry.kind, "run.claimed");
    assert_eq!(entry.detail, json!({ "process": "a test", "epoch": 1, "status": "running" }));
    let error = ledger.claim_run("nobody", "a test").await.unwrap_err();
    assert!(matches!(error, LedgerError::NoRun { .. }), "{error}");
}

async fn a_driver_that_was_taken_over_publishes_nothing(store: Store) {
    let ledger = store.ledger().await;
    let dead = drive(&ledger, "r", &["s"]).await;
    accept(&ledger, "r", "s").await;
    let alive = claim(&store.ledger().await, "r").await;
    let before = story(&ledger, "r").await;
    let zombie_notes = async || {
        assert_eq!(ledger.start_commit(&dead).await.unwrap(), CommitStart::TakenOver);
        assert!(!ledger.add_commit(&dead, "out", &json!({})).await.unwrap());
        let told = [NewNotification {
            notifier: "ops".to_owned(),
            dedup_key: "r".to_owned(),
            event: json!({}),
        }];
        let cursors = [cursor("api", "0", "9")];
        let end = EndOfRun {
            status: RunStatus::Succeeded,
            error: None,
            summary: &json!({}),
            cursors: &cursors,
            notifications: &told,
        };
        assert_eq!(ledger.end_run(&dead, &end).await.unwrap(), Ended::TakenOver);
    };
    zombie_notes().await;
    assert_eq!(story(&ledger, "r").await, before);
    assert_eq!(ledger.start_commit(&alive).await.unwrap(), CommitStart::Begun);
    zombie_notes().await;
    assert!(ledger.add_commit(&alive, "out", &json!({ "rows": 1 })).await.unwrap());
    zombie_notes().await;
    assert_eq!(end(&ledger, &alive, RunStatus::Succeeded).await, ended());
    zombie_notes().await;
    assert_eq!(ledger.commits("r").await.unwrap().len(), 1);
    assert!(ledger.cursors("p", "api").await.unwrap().is_empty());
    assert!(ledger.outbox("r").await.unwrap().is_empty());
}

async fn a_run_that_is_over_stays_over(store: Store) {
    let ledger = store.ledger().await;
    for to in [RunStatus::Aborted, RunStatus::Succeeded] {
        let run = to.name();
        let driver = drive(&ledger, run, &["s"]).await;
        if to == RunStatus::Succeeded {
            ledger.start_commit(&driver).await.unwrap();
        }
        end(&ledger, &driver, to).await;
        let before = ledger.run(run).await.unwrap().unwrap();
        let again = claim(&ledger, run).await;
        assert_eq!((again.status, again.epoch), (to, driver.epoch));
        assert_eq!(ledger.start_commit(&again).await.unwrap(), CommitStart::Closed(to));
        assert!(!ledger.add_commit(&again, "out", &json!({})).await.unwrap());
        assert_eq!(end(&ledger, &again, RunStatus::Failed).await, Ended::Closed(to));
        let after = ledger.run(run).await.unwrap().unwrap();
        assert_eq!((after.status, after.error), (to, before.error));
        assert_eq!(after.ended_ms, before.ended_ms);
    }
    assert!(ledger.unfinished("p").await.unwrap().is_empty());
}

/// Some of it may be published: whatever ends its driver, nobody may plan it anew. Who insists can give it up.
async fn a_run_that_publishes_can_only_be_finished(store: Store) {
    let ledger = store.ledger().await;
    let mut driver = drive(&ledger, "r", &["s"]).await;
    ledger.start_commit(&driver).await.unwrap();
    for to in [RunStatus::Failed, RunStatus::Interrupted, RunStatus::Refused] {
        assert_eq!(end(&ledger, &driver, to).await, ended());
        let run = ledger.run("r").await.unwrap().unwrap();
        assert_eq!((run.status, run.error.as_deref()), (RunStatus::Committing, Some("no luck")));
        assert_eq!(run.ended_ms, None);
        driver = claim(&ledger, "r").await;
        assert_eq!(driver.status, RunStatus::Committing);
        assert_eq!(status(&ledger, "r").await, RunStatus::Committing);
        assert_eq!(ledger.start_commit(&driver).await.unwrap(), CommitStart::Begun);
    }
    assert_eq!(end(&ledger, &driver, RunStatus::Succeeded).await, ended());
    let run = ledger.run("r").await.unwrap().unwrap();
    assert_eq!((run.status, run.error), (RunStatus::Succeeded, None));

    let driver = drive(&ledger, "given-up", &["s"]).await;
    ledger.start_commit(&driver).await.unwrap();
    assert_eq!(end(&ledger, &driver, RunStatus::Aborted).await, ended());
    assert_eq!(status(&ledger, "given-up").await, RunStatus::Aborted);
}

async fn publishing_begins_and_is_noted_once(store: Store) {
    let ledger = store.ledger().await;
    let driver = drive(&ledger, "r", &["s"]).await;
    assert!(!ledger.add_commit(&driver, "early", &json!({})).await.unwrap());
    for _ in 0..2 {
        assert_eq!(ledger.start_commit(&driver).await.unwrap(), CommitStart::Begun);
    }
    for rows in 1..3 {
        assert!(ledger.add_commit(&driver, "out", &json!({ "rows": rows })).await.unwrap());
    }
    let commits = ledger.commits("r").await.unwrap();
    assert_eq!(commits.len(), 1);
    assert_eq!(commits[0].report, json!({ "rows": 1 }), "the first is what happened");
    let told = story(&ledger, "r").await;
    assert_eq!(told[3..], ["commit.begun", "sink.committed"]);
    let entry = &ledger.history("r", 4).await.unwrap()[0];
    assert_eq!(entry.detail, json!({ "sink": "out", "report": { "rows": 1 } }));
}

async fn a_success_gives_up_what_was_entered_before_it(store: Store) {
    let ledger = store.ledger().await;
    enter_at(&ledger, "elsewhere", "q", 1).await;
    let failed = drive(&ledger, "failed", &["s"]).await;
    end(&ledger, &failed, RunStatus::Failed).await;
    let running = drive(&ledger, "running", &["s"]).await;
    let publishing = drive(&ledger, "publishing", &["s"]).await;
    ledger.start_commit(&publishing).await.unwrap();
    let newer = drive(&ledger, "newer", &["s"]).await;
    enter(&ledger, "newest").await;
    ledger.start_commit(&newer).await.unwrap();
    let ended = end(&ledger, &newer, RunStatus::Succeeded).await;
    let superseded = vec!["failed".to_owned(), "running".to_owned()];
    assert_eq!(ended, Ended::Ended { superseded });
    for (run, expected) in [
        ("elsewhere", RunStatus::Running),
        ("failed", RunStatus::Aborted),
        ("running", RunStatus::Aborted),
        ("publishing", RunStatus::Committing),
        ("newer", RunStatus::Succeeded),
        ("newest", RunStatus::Running),
    ] {
        assert_eq!(status(&ledger, run).await, expected, "{run}");
    }
    let error = ledger.run("failed").await.unwrap().unwrap().error.unwrap();
    assert_eq!(error, "given up: run newer, which was started later, has succeeded");
    let entry = ledger.history("failed", 0).await.unwrap().pop().unwrap();
    assert_eq!((entry.kind.as_str(), entry.detail), ("run.superseded", json!({ "by": "newer" })));
    // Whoever still works at it learns of it.
    let aborted = RunStatus::Aborted;
    assert_eq!(accept(&ledger, "running", "s").await, Acceptance::Closed(aborted));
    assert_eq!(ledger.start_commit(&running).await.unwrap(), CommitStart::Closed(aborted));
    assert_eq!(end(&ledger, &running, RunStatus::Succeeded).await, Ended::Closed(aborted));
}

async fn two_that_claim_at_the_same_time_get_different_epochs(store: Store) {
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let claiming: Vec<_> = (0..12)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move { claim(&ledger, "r").await })
        })
        .collect();
    let mut claims = Vec::new();
    for claiming in claiming {
        claims.push(claiming.await.unwrap());
    }
    claims.sort_by_key(|claim| claim.epoch);
    let epochs: Vec<i64> = claims.iter().map(|claim| claim.epoch).collect();
    assert_eq!(epochs, (1..=12).collect::<Vec<i64>>());
    let latest = claims.pop().unwrap();
    for claim in claims {
        assert_eq!(ledger.start_commit(&claim).await.unwrap(), CommitStart::TakenOver);
    }
    assert_eq!(ledger.start_commit(&latest).await.unwrap(), CommitStart::Begun);
}

/// Of the files of a zombie nothing may be left.
async fn what_was_begun_before_a_claim_counts_no_more(store: Store) {
    let ledger = store.ledger().await;
    let driver = drive(&ledger, "r", &["s", "t"]).await;
    let (old, partition) =
        (ledger.in_epoch(driver.epoch), store.ledger().await.in_epoch(driver.epoch));
    assert_eq!(accept(&partition, "r", "s").await, Acceptance::Accepted);
    let new = claim(&ledger, "r").await;
    let before = story(&ledger, "r").await;
    for zombie in [&old, &partition] {
        let refused = accept(zombie, "r", "t").await;
        assert_eq!(refused, Acceptance::Closed(RunStatus::Running));
        for dropped in [
            zombie.drop_manifest("r", "phase", "s", "damaged").await,
            zombie.drop_phase("r", "phase", "changed").await,
        ] {
            assert!(matches!(dropped, Err(LedgerError::Closed { .. })), "{dropped:?}");
        }
    }
    assert_eq!(story(&ledger, "r").await, before);
    assert_eq!(ledger.manifests("r").await.unwrap().len(), 1);
    assert_eq!(accept(&ledger.in_epoch(new.epoch), "r", "t").await, Acceptance::Accepted);
}

async fn a_run_does_not_begin_to_publish_while_another_one_does(store: Store) {
    let ledger = store.ledger().await;
    let first = drive(&ledger, "first", &["s"]).await;
    let second = drive(&ledger, "second", &["s"]).await;
    enter_at(&ledger, "elsewhere", "another pipeline", 1).await;
    let elsewhere = claim(&ledger, "elsewhere").await;
    assert_eq!(ledger.start_commit(&first).await.unwrap(), CommitStart::Begun);
    let refused = CommitStart::AnotherPublishes { run: "first".to_owned() };
    assert_eq!(ledger.start_commit(&second).await.unwrap(), refused);
    assert_eq!(status(&ledger, "second").await, RunStatus::Running);
    assert_eq!(ledger.start_commit(&elsewhere).await.unwrap(), CommitStart::Begun);
    assert_eq!(end(&ledger, &first, RunStatus::Succeeded).await, ended());
    assert_eq!(ledger.start_commit(&second).await.unwrap(), CommitStart::Begun);
}

async fn a_commit_that_failed_is_noted_by_its_driver_only(store: Store) {
    let ledger = store.ledger().await;
    let dead = drive(&ledger, "r", &["s"]).await;
    let told = [NewNotification {
        notifier: "ops".to_owned(),
        dedup_key: "r/run.failed".to_owned(),
        event: json!({}),
    }];
    let failed = async |claim| ledger.fail_commit(claim, Some("no room"), &told).await.unwrap();
    assert!(!failed(&dead).await, "it publishes nothing yet");
    assert_eq!(ledger.start_commit(&dead).await.unwrap(), CommitStart::Begun);
    let alive = claim(&ledger, "r").await;
    assert!(!failed(&dead).await, "it was taken over");
    assert!(ledger.outbox("r").await.unwrap().is_empty());
    assert!(failed(&alive).await);
    assert_eq!(status(&ledger, "r").await, RunStatus::Committing);
    assert_eq!(ledger.outbox("r").await.unwrap().len(), 1);
    let run = ledger.run("r").await.unwrap().unwrap();
    assert_eq!(run.error.as_deref(), Some("no room"));
}

async fn what_a_run_is_made_of_is_changed_by_its_driver_only(store: Store) {
    let ledger = store.ledger().await;
    let dead = drive(&ledger, "r", &["s"]).await;
    let alive = claim(&ledger, "r").await;
    let (now, differences) = (json!({ "sinks.out": "now" }), ["sinks.out has changed".to_owned()]);
    let change =
        async |claim| ledger.change_run(claim, "another digest", &now, &differences).await.unwrap();
    assert!(!change(&dead).await);
    assert_ne!(ledger.run("r").await.unwrap().unwrap().fingerprint, now);
    assert!(change(&alive).await);
    let run = ledger.run("r").await.unwrap().unwrap();
    assert_eq!((run.fingerprint, run.file_digest.as_str()), (now.clone(), "another digest"));
    let told = ledger.history("r", 0).await.unwrap().pop().unwrap();
    assert_eq!(
        (told.kind.as_str(), &told.detail),
        ("run.changed", &json!({ "differences": differences }))
    );
    assert_eq!(ledger.start_commit(&alive).await.unwrap(), CommitStart::Begun);
    assert!(!change(&alive).await, "what is being published stays as it is");
}
