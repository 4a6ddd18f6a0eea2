//! `wasmill runs`: which runs there were, the story of one, and watching one until it ends.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wasmill_ledger::{Ledger, RunStatus, Share};
use wasmill_tests::ledger::{PROCESS, done, ended, entered, ledger, planned};
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::workspace::{Outcome, Workspace};

const LEDGER: &[&str] = &["--ledger", "sqlite://.wasmill/ledger.db"];

fn runs(workspace: &Workspace, arguments: &[&str]) -> Outcome {
    workspace.wasmill(&[&["runs"], arguments, LEDGER].concat())
}

/// A run that was planned, and whose first process ended with a split failed once and another under way.
async fn interrupted(ledger: &Ledger, run: &str) {
    entered(ledger, run).await;
    planned(ledger, run, "gross", &["a", "b", "c", "d"]).await;
    done(ledger, run, "gross", "a").await;
    done(ledger, run, "gross", "b").await;
    ledger.start_attempt(run, "gross", "c", "c-1", PROCESS).await.unwrap();
    let wait = Some(Duration::from_millis(1_500));
    ledger.fail_attempt(run, "gross", "c", "c-1", "no answer", wait).await.unwrap();
    ledger.start_attempt(run, "gross", "d", "d-1", PROCESS).await.unwrap();
}

/// The texts of a timeline, without their times.
fn timeline(outcome: &Outcome) -> Vec<&str> {
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let lines = outcome.stdout.lines().skip_while(|line| *line != "timeline (UTC):").skip(1);
    let lines = lines.take_while(|line| line.starts_with("  2"));
    lines.map(|line| line.splitn(4, ' ').nth(3).unwrap().split_once("  ").unwrap().1).collect()
}

#[tokio::test]
async fn the_story_tells_what_was_tried_again_and_what_was_published_when() {
    let workspace = Workspace::new();
    let ledger = ledger(&workspace).await;
    interrupted(&ledger, "story").await;
    let claim = ledger.claim_run("story", "tests/2").await.unwrap();
    done(&ledger, "story", "gross", "c").await;
    done(&ledger, "story", "gross", "d").await;
    ledger.note("story", "gate.passed", json!({ "rows": 4 })).await.unwrap();
    ledger.start_commit(&claim).await.unwrap();
    let report = json!({ "rows": 1234, "target": "out/" });
    assert!(ledger.add_commit(&claim, "out", &report).await.unwrap());
    ended(&ledger, &claim, RunStatus::Succeeded, None, &[]).await;

    let story = runs(&workspace, &["show", "story"]);
    assert_eq!(
        timeline(&story),
        [
            "entered",
            "started by tests/1",
            "phase gross planned: 4 splits",
            "phase gross: 2 of 4 splits done at once",
            "split c of gross failed, tried again in 1.50 s: no answer",
            "cut off: 1 attempt (d)",
            "resumed by tests/2, when it was running",
            "split c of gross done, after 1 that failed",
            "phase gross: 1 of 4 splits done at once",
            "gate.passed (rows: 4)",
            "commit begun: all splits are done, and the gate has let them pass",
            "sink out published: 1,234 rows in out/",
            "succeeded",
        ],
        "{}",
        story.stdout
    );
    let all = runs(&workspace, &["show", "story", "--timeline"]);
    let history = ledger.history("story", 0).await.unwrap();
    assert_eq!(timeline(&all).len(), history.len());
    assert!(timeline(&all).contains(&"split a of gross started by tests/1"), "{}", all.stdout);

    let json = runs(&workspace, &["show", "--output", "json"]).events();
    assert_eq!(json[0]["history"].as_array().unwrap().len(), history.len());
    assert_eq!(json[0]["at_work"], false);
}

#[test]
fn a_real_run_has_its_story() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    workspace.run();
    let outcome = workspace.wasmill(&["runs", "show"]);
    let timeline = timeline(&outcome);
    let tells = |part: &str| timeline.iter().any(|line| line.contains(part));
    for part in ["started by", "planned: 1 splits", "1 of 1 splits done at once", "commit begun"] {
        assert!(tells(part), "{part} in {timeline:#?}");
    }
    assert!(tells("sink out published: 3 rows in "), "{timeline:#?}");
    assert_eq!(timeline.last(), Some(&"succeeded"));
}

#[tokio::test]
async fn runs_are_listed_by_pipeline_and_status_with_those_that_work_on_them() {
    let workspace = Workspace::new();
    let ledger = ledger(&workspace).await;
    let first = entered(&ledger, "first").await;
    ended(&ledger, &first, RunStatus::Failed, Some(("no luck", 70)), &[]).await;
    entered(&ledger, "left").await;
    entered(&ledger, "busy").await;
    let lock = ledger.lock_run("busy", Share::Exclusive).await.unwrap().expect("nobody has it");

    let outcome = runs(&workspace, &["list", "--output", "json"]);
    let listed: Vec<(Value, Value, Value)> = outcome
        .events()
        .into_iter()
        .map(|run| (run["id"].clone(), run["status"].clone(), run["at_work"].clone()))
        .collect();
    let expected =
        [("busy", "running", true), ("left", "running", false), ("first", "failed", false)];
    let expected = expected.map(|(id, status, at_work)| (id.into(), status.into(), at_work.into()));
    assert_eq!(listed, expected, "newest first");

    let text = runs(&workspace, &["list"]).stdout;
    let line = |run: &str| text.lines().find(|line| line.starts_with(run)).unwrap().to_owned();
    assert!(line("left").contains("running, nobody at work"), "{text}");
    assert!(!line("busy").contains("nobody") && line("busy").contains(" run "), "{text}");

    let ids = |arguments: &[&str]| -> Vec<String> {
        let arguments = [&["list", "--output", "json"], arguments].concat();
        let runs = runs(&workspace, &arguments).events();
        runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["--status", "running"]), ["busy", "left"]);
    assert_eq!(ids(&["--status", "running", "--limit", "1"]), ["busy"]);
    assert_eq!(ids(&["--pipeline", "test", "--status", "failed"]), ["first"]);
    assert!(ids(&["--pipeline", "other"]).is_empty());
    let outcome = runs(&workspace, &["list", "--status", "runing"]);
    assert_eq!(outcome.code, Some(2), "{outcome:#?}");
    assert!(outcome.stderr.contains("running, committing, succeeded"), "{outcome:#?}");
    drop(lock);
}

#[tokio::test]
async fn whoever_follows_a_run_sees_it_end_as_it_ends() {
    for (status, error, code) in [
        (RunStatus::Succeeded, None, 0),
        (RunStatus::Refused, Some(("too many rows", 65)), 65),
        (RunStatus::Failed, Some(("the target is away", 75)), 75),
        (RunStatus::Interrupted, Some(("stopped", 130)), 130),
    ] {
        let workspace = Workspace::new();
        let ledger = ledger(&workspace).await;
        let claim = entered(&ledger, "watched").await;
        planned(&ledger, "watched", "gross", &["a", "b"]).await;
        let follow = ["runs", "show", "--follow", "--output", "json"];
        let child = workspace.start(&[&follow, LEDGER].concat());
        // What happens before it looks is shown as well as what happens while it does.
        done(&ledger, "watched", "gross", "a").await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        done(&ledger, "watched", "gross", "b").await;
        ended(&ledger, &claim, status, error, &[]).await;
        let outcome = Outcome::new(&child.wait_with_output().unwrap());
        assert_eq!(outcome.code, Some(code), "{outcome:#?}");
        let seen: Vec<Value> = outcome.events().iter().map(|entry| entry["seq"].clone()).collect();
        let entries = ledger.history("watched", 0).await.unwrap();
        assert_eq!(seen, entries.iter().map(|entry| entry.seq.into()).collect::<Vec<Value>>());
        assert_eq!(outcome.events().last().unwrap()["kind"], "run.ended");
    }
}

#[tokio::test]
async fn whoever_follows_a_run_that_nobody_works_on_is_told_so_and_can_stop() {
    let workspace = Workspace::new();
    let ledger = ledger(&workspace).await;
    entered(&ledger, "left").await;
    let started = Instant::now();
    let child = workspace.start(&[&["runs", "show", "left", "--follow"], LEDGER].concat());
    tokio::time::sleep(Duration::from_secs(4)).await;
    let mut interrupt = Command::new("kill");
    let interrupted = interrupt.args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.unwrap().success());
    let outcome = Outcome::new(&child.wait_with_output().unwrap());
    assert_eq!(outcome.code, Some(130), "{outcome:#?}");
    assert!(started.elapsed() < Duration::from_secs(30));
    assert_eq!(
        outcome.stderr,
        "nobody is at work on run left now: `wasmill run FILE --resume left` goes on with it\n"
    );
    assert!(outcome.stdout.contains("started by tests/1"), "{outcome:#?}");
}
