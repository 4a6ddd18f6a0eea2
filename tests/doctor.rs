//! `wasmill doctor`: what is fit is said to be so, and each thing that is not is found, with what to do.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};
use wasmill_ledger::{NewNotification, RunStatus, Share, now_ms};
use wasmill_tests::ledger::{ended, entered, entered_at, ledger};
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::workspace::{Outcome, Workspace, wasmill_program};

/// A folder with a pipeline that runs.
fn fit() -> Workspace {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    workspace
}

fn examined(workspace: &Workspace, arguments: &[&str]) -> Outcome {
    let arguments = [&["doctor", "--output", "json"], arguments].concat();
    workspace.wasmill(&arguments)
}

/// What was said about one thing.
fn said<'a>(events: &'a [Value], check: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["check"] == check).collect()
}

/// The one finding of this kind, which must say all of this, with its advice.
fn assert_said(outcome: &Outcome, check: &str, status: &str, expected: &[&str]) {
    let events = outcome.events();
    let of_check = said(&events, check);
    let matching: Vec<String> = of_check
        .iter()
        .filter(|event| event["status"] == status)
        .map(|event| format!("{} {}", event["message"], event["advice"]))
        .collect();
    let found = matching.iter().any(|text| expected.iter().all(|part| text.contains(part)));
    assert!(found, "{check} {status} {expected:?} in {of_check:#?}");
}

#[test]
fn a_fit_installation_is_said_to_be_fit_and_left_as_it_is() {
    let workspace = fit();
    let cache = workspace.path("cache/compiled");
    let outcome = examined(&workspace, &["--cache", cache.to_str().unwrap()]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let events = outcome.events();
    for (check, part) in [
        ("pipeline", "pipeline.toml can be read"),
        ("sandbox", "compiled"),
        ("cache", "the first run makes it"),
        ("ledger", "the first run makes it"),
        ("clock", "UTC"),
    ] {
        assert_said(&outcome, check, "ok", &[part]);
    }
    assert_said(&outcome, "limits", "ok", &["pipeline.memory is 1.0 GiB"]);
    assert!(!said(&events, "disk").is_empty());
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["problems"]), (&"doctor.finished".into(), &0.into()));
    assert!(!workspace.path(".wasmill").exists() && !cache.exists(), "doctors only look");

    workspace.run();
    let outcome = examined(&workspace, &[]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_said(&outcome, "ledger", "ok", &["SQLite 3.", "1 run in"]);
    assert_said(&outcome, "outbox", "ok", &["all events are delivered"]);
    assert_said(&outcome, "cache", "ok", &["closed to others"]);
    assert!(said(&outcome.events(), "runs").is_empty(), "nothing is unfinished");
}

#[test]
fn for_people_there_is_a_line_each_and_what_to_do_below() {
    let outcome = fit().wasmill(&["doctor"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let begins = |start: &str| outcome.stdout.lines().any(|line| line.starts_with(start));
    assert!(begins("ok       sandbox    plugins are compiled"), "{}", outcome.stdout);
    assert!(outcome.stdout.lines().last().unwrap().starts_with("0 problems, "), "{outcome:?}");
}

#[test]
fn without_a_pipeline_file_there_is_no_ledger_to_look_at() {
    let workspace = Workspace::new();
    let outcome = examined(&workspace, &[]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_said(&outcome, "ledger", "skipped", &["no pipeline file was named"]);

    let outcome = examined(&workspace, &["absent.toml"]);
    assert_eq!(outcome.code, Some(78), "{outcome:#?}");
    assert_said(&outcome, "pipeline", "problem", &["absent.toml"]);
}

#[test]
fn findings_about_the_file_are_counted() {
    let workspace = fit();
    workspace.pipeline(&[SOURCE, &GROSS.replace("inputs", "inptus"), SINK].concat());
    let outcome = examined(&workspace, &[]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_said(&outcome, "pipeline", "warning", &["wasmill check pipeline.toml"]);
}

#[test]
fn a_cache_that_others_can_look_into_is_found() {
    let workspace = fit();
    let cache = workspace.path("open");
    std::fs::create_dir(&cache).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = examined(&workspace, &["--cache", cache.to_str().unwrap()]);
    assert_eq!(outcome.code, Some(0), "a run goes on without: {outcome:#?}");
    assert_said(&outcome, "cache", "warning", &["chmod 700", "WASMILL_CACHE"]);
    let outcome = examined(&workspace, &["--no-cache"]);
    assert_said(&outcome, "cache", "skipped", &["--no-cache"]);
}

#[test]
fn a_ledger_that_is_none_is_a_problem_and_is_left_as_it_is() {
    let workspace = fit();
    let bytes = "no database, ".repeat(1000);
    let path = workspace.write(".wasmill/ledger.db", &bytes);
    let outcome = examined(&workspace, &[]);
    assert_eq!(outcome.code, Some(69), "{outcome:#?}");
    assert_said(&outcome, "ledger", "problem", &["ledger.db"]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), bytes);
    assert_eq!(outcome.events().last().unwrap()["status"], "problem");
}

#[test]
fn a_ledger_whose_folder_cannot_be_made_is_a_problem() {
    let workspace = fit();
    let named = "[pipeline]\nname = \"test\"\nledger = \"sqlite://orders.csv/ledger.db\"\n";
    workspace.write("pipeline.toml", [named, SOURCE, GROSS, SINK].concat());
    let outcome = examined(&workspace, &[]);
    assert_eq!(outcome.code, Some(69), "{outcome:#?}");
    assert_said(
        &outcome,
        "ledger",
        "problem",
        &["orders.csv/ledger.db cannot be made", "pipeline.ledger"],
    );
}

#[tokio::test]
async fn what_is_unfinished_is_told_with_the_command_that_goes_on_with_it() {
    let workspace = fit();
    let ledger = ledger(&workspace).await;
    entered(&ledger, "left").await;
    let failed = entered(&ledger, "failed").await;
    ended(&ledger, &failed, RunStatus::Failed, Some(("no luck", 70)), &[]).await;
    let committing = entered(&ledger, "committing").await;
    ledger.start_commit(&committing).await.unwrap();
    entered(&ledger, "busy").await;
    let lock = ledger.lock_run("busy", Share::Exclusive).await.unwrap().expect("nobody has it");

    let outcome = examined(&workspace, &[]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    for (run, status) in [("left", "running"), ("failed", "failed")] {
        let (is, resume) =
            (format!("run {run} is {status}"), format!("wasmill run pipeline.toml --resume {run}"));
        let abort = format!("wasmill abort pipeline.toml --run-id {run}");
        assert_said(&outcome, "runs", "warning", &[&is, &resume, &abort]);
    }
    assert_said(
        &outcome,
        "runs",
        "warning",
        &["run committing is committing", "publishes the rest"],
    );
    assert_said(&outcome, "runs", "ok", &["run busy is running: somebody is at work on it"]);
    drop(lock);
}

#[tokio::test]
async fn events_that_wait_are_counted() {
    let workspace = fit();
    let ledger = ledger(&workspace).await;
    let claim = entered(&ledger, "failed").await;
    let event = NewNotification {
        notifier: "ops".to_owned(),
        dedup_key: "failed/run.failed".to_owned(),
        event: json!({ "kind": "run.failed" }),
    };
    ended(&ledger, &claim, RunStatus::Failed, Some(("no luck", 70)), &[event]).await;
    let outcome = examined(&workspace, &[]);
    let deliver = "wasmill outbox deliver pipeline.toml";
    assert_said(&outcome, "outbox", "warning", &["1 event not delivered", deliver]);
}

#[tokio::test]
async fn folders_of_runs_that_are_over_are_found() {
    let workspace = fit();
    let ledger = ledger(&workspace).await;
    let failed = entered(&ledger, "can-be-resumed").await;
    ended(&ledger, &failed, RunStatus::Failed, Some(("no luck", 70)), &[]).await;
    workspace.write(".wasmill/runs/can-be-resumed/part", "0123456789");
    let outcome = examined(&workspace, &[]);
    assert_said(&outcome, "leftovers", "ok", &["no folders"]);

    let given_up = entered(&ledger, "given-up").await;
    ended(&ledger, &given_up, RunStatus::Aborted, None, &[]).await;
    workspace.write(".wasmill/runs/given-up/part", "0123456789");
    workspace.write(".wasmill/runs/of-another-ledger/part", "01234");
    let outcome = examined(&workspace, &[]);
    assert_said(&outcome, "leftovers", "warning", &["1 folder with 10 B", "runs/given-up"]);
    let unknown = &["1 folder with 5 B", "does not know", "runs/of-another-ledger"];
    assert_said(&outcome, "leftovers", "warning", unknown);
    assert!(workspace.path(".wasmill/runs/given-up/part").exists(), "doctors only look");
}

#[tokio::test]
async fn a_clock_that_went_back_is_found() {
    let workspace = fit();
    let ledger = ledger(&workspace).await;
    entered_at(&ledger, "of-tomorrow", now_ms() + 24 * 3_600_000).await;
    let outcome = examined(&workspace, &[]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_said(&outcome, "clock", "warning", &["the clock went back"]);
}

/// Runs the command under a limit of the shell.
fn limited(workspace: &Workspace, limit: &str) -> Outcome {
    let program = wasmill_program();
    let script = format!("{limit} && exec {} doctor --output json", program.display());
    let mut command = Command::new("sh");
    command.args(["-c", &script]).current_dir(workspace.path(""));
    Outcome::new(&command.env("WASMILL_CACHE", workspace.path("cache")).output().unwrap())
}

#[test]
fn limits_of_the_system_are_found() {
    let workspace = fit();
    let outcome = limited(&workspace, "ulimit -n 256");
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_said(&outcome, "limits", "warning", &["256 open files", "ulimit -n 1024"]);

    let outcome = limited(&workspace, "ulimit -v 8388608");
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_said(&outcome, "limits", "warning", &["limited to 8.0 GiB", "ulimit -v unlimited"]);
    assert_said(&outcome, "sandbox", "warning", &["no pool of instances"]);
    assert_said(&outcome, "sandbox", "ok", &["compiled"]);
}

#[test]
fn a_pipeline_that_wants_most_of_the_memory_is_found() {
    let workspace = fit();
    let text = format!("memory = \"100TiB\"\n{SOURCE}{GROSS}{SINK}");
    workspace.pipeline(&text);
    let outcome = examined(&workspace, &[]);
    assert_said(&outcome, "limits", "warning", &["may use 100.0 TiB", "lower pipeline.memory"]);
}

#[test]
fn the_target_of_plugins_is_looked_for() {
    let workspace = fit();
    let sysroot = workspace.path("rust");
    let script = format!("#!/bin/sh\necho {}\n", sysroot.display());
    let rustc = workspace.write("bin/rustc", script);
    std::fs::set_permissions(rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = workspace.path("bin");
    let looked =
        |path: &str| workspace.wasmill_with(&["doctor", "--output", "json"], &[("PATH", path)]);
    let outcome = looked(path.to_str().unwrap());
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_said(&outcome, "target", "warning", &["rustup target add wasm32-wasip2"]);

    std::fs::create_dir_all(sysroot.join("lib/rustlib/wasm32-wasip2/lib")).unwrap();
    assert_said(&looked(path.to_str().unwrap()), "target", "ok", &["wasm32-wasip2 is installed"]);

    let none = workspace.path("nothing");
    assert_said(&looked(none.to_str().unwrap()), "target", "skipped", &["no Rust"]);
}
