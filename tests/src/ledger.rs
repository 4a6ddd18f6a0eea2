//! Runs that tests enter into a workspace's ledger themselves, to bring them into states that a real run only passes through.

use std::path::Path;

use serde_json::{Value, json};
use wasmill_ledger::{
    Claim, EndOfRun, Ended, Entered, Ledger, NewNotification, NewPhase, NewRun, NewSplit, RunKind,
    RunStatus, now_ms,
};

use crate::workspace::Workspace;

/// Who claims runs here.
pub const PROCESS: &str = "tests/1";

/// The ledger of the workspace's pipeline; made where there is none.
pub async fn ledger(workspace: &Workspace) -> Ledger {
    let path = workspace.path(".wasmill/ledger.db");
    let url = format!("sqlite://{}", path.display());
    Ledger::create(&url, Path::new("")).await.expect("a ledger")
}

/// Enters a run of the pipeline `test`, and claims it.
pub async fn entered(ledger: &Ledger, id: &str) -> Claim {
    entered_at(ledger, id, now_ms()).await
}

/// The same, by another clock.
pub async fn entered_at(ledger: &Ledger, id: &str, started_ms: i64) -> Claim {
    let run = NewRun {
        id,
        pipeline: "test",
        file_digest: "sha256:00",
        kind: RunKind::Run,
        fingerprint: &Value::Null,
        started_ms,
    };
    let entered = ledger.enter_run(&run).await.expect("a ledger that works");
    assert!(matches!(entered, Entered::New), "{entered:?}");
    ledger.claim_run(id, PROCESS).await.expect("a run that was entered")
}

/// Plans a phase of these splits.
pub async fn planned(ledger: &Ledger, run: &str, phase: &str, splits: &[&str]) {
    let split = |(position, id): (usize, &&str)| NewSplit {
        id: (*id).to_owned(),
        lane: 0,
        position: u32::try_from(position).expect("a few splits"),
        descriptor: json!({}),
    };
    let splits: Vec<NewSplit> = splits.iter().enumerate().map(split).collect();
    let phase = NewPhase { phase, level: 0, digest: "", splits: &splits, cursors: &[] };
    ledger.add_phase(run, &phase).await.expect("a run that goes on");
}

/// Does a split at once.
pub async fn done(ledger: &Ledger, run: &str, phase: &str, split: &str) {
    let attempt = format!("{split}-1");
    let started = ledger.start_attempt(run, phase, split, &attempt, PROCESS).await;
    started.expect("a run that goes on");
    let accepted = ledger.accept(run, phase, split, &attempt, &json!({}), &[]).await;
    accepted.expect("a split that was planned");
}

/// Ends a run: with an error, its exit code is the number.
pub async fn ended(
    ledger: &Ledger,
    claim: &Claim,
    status: RunStatus,
    error: Option<(&str, u8)>,
    notifications: &[NewNotification],
) {
    let problem = error.map(
        |(message, exit_code)| json!({ "message": message, "hint": null, "exit_code": exit_code }),
    );
    let summary = json!({ "problem": problem });
    let error = error.map(|(message, _)| message);
    let end = EndOfRun { status, error, summary: &summary, cursors: &[], notifications };
    let ended = ledger.end_run(claim, &end).await.expect("a ledger that works");
    assert!(matches!(ended, Ended::Ended { .. }), "{ended:?}");
}
