//! Empty places for ledgers, and what tests put into them.

use serde_json::{Value, json};
use tempfile::TempDir;
use wasmill_ledger::{
    Acceptance, Claim, CursorEntry, EndOfRun, Ended, Entered, Ledger, NewPhase, NewRun, NewSplit,
    QuarantineEntry, RunKind, RunStatus,
};
use wasmill_test_servers::Postgres;

/// A place where a ledger can be, which is gone with the value.
pub struct Store {
    pub url: String,
    pub folder: TempDir,
}

impl Store {
    pub fn sqlite() -> Self {
        Self { url: "sqlite://deep/down/ledger.db".to_owned(), folder: folder() }
    }

    pub fn postgres() -> Self {
        Self { url: Postgres::shared().new_database(), folder: folder() }
    }

    /// The ledger, with connections of its own, as another process has.
    pub async fn ledger(&self) -> Ledger {
        Ledger::create(&self.url, self.folder.path()).await.expect("a ledger")
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A run of the pipeline `p`.
pub async fn enter(ledger: &Ledger, id: &str) {
    enter_at(ledger, id, "p", 1).await;
}

pub async fn enter_at(ledger: &Ledger, id: &str, pipeline: &str, started_ms: i64) {
    let entered = ledger.enter_run(&new_run(id, pipeline, started_ms, RunKind::Run)).await;
    assert!(matches!(entered, Ok(Entered::New)), "{entered:?}");
}

pub fn new_run<'a>(id: &'a str, pipeline: &'a str, started_ms: i64, kind: RunKind) -> NewRun<'a> {
    NewRun { id, pipeline, file_digest: "digest", kind, fingerprint: &Value::Null, started_ms }
}

pub async fn claim(ledger: &Ledger, run: &str) -> Claim {
    ledger.claim_run(run, "a test").await.expect("a claim")
}

/// A run of `p` that somebody drives, with one phase of splits.
pub async fn drive(ledger: &Ledger, run: &str, splits: &[&str]) -> Claim {
    enter(ledger, run).await;
    plan(ledger, run, "phase", 0, splits).await;
    claim(ledger, run).await
}

pub async fn plan(ledger: &Ledger, run: &str, phase: &str, level: u32, splits: &[&str]) {
    let splits: Vec<NewSplit> = (0..).zip(splits).map(|(at, id)| split(id, at)).collect();
    let phase = NewPhase { phase, level, digest: "d", splits: &splits, cursors: &[] };
    ledger.add_phase(run, &phase).await.expect("a phase");
}

pub fn split(id: &str, position: u32) -> NewSplit {
    NewSplit { id: id.to_owned(), lane: 0, position, descriptor: json!({ "file": id }) }
}

pub async fn accept(ledger: &Ledger, run: &str, split: &str) -> Acceptance {
    let manifest = json!({ "of": split });
    ledger.accept(run, "phase", split, "attempt", &manifest, &[]).await.expect("an answer")
}

pub fn quarantined(split: &str, rows: i64, file: &str) -> QuarantineEntry {
    QuarantineEntry {
        step: "clean".to_owned(),
        phase: "phase".to_owned(),
        split: split.to_owned(),
        rule: "bad-date".to_owned(),
        column: None,
        rows,
        file: file.to_owned(),
        purged_ms: None,
    }
}

pub fn cursor(source: &str, split: &str, position: &str) -> CursorEntry {
    CursorEntry {
        source: source.to_owned(),
        split: split.to_owned(),
        position: position.to_owned(),
    }
}

pub async fn end(ledger: &Ledger, claim: &Claim, status: RunStatus) -> Ended {
    end_with(ledger, claim, status, &[]).await
}

pub async fn end_with(
    ledger: &Ledger,
    claim: &Claim,
    status: RunStatus,
    cursors: &[CursorEntry],
) -> Ended {
    let summary = json!({ "status": status });
    let error = (status != RunStatus::Succeeded).then_some("no luck");
    let end = EndOfRun { status, error, summary: &summary, cursors, notifications: &[] };
    ledger.end_run(claim, &end).await.expect("an end")
}

pub fn ended() -> Ended {
    Ended::Ended { superseded: Vec::new() }
}

pub async fn status(ledger: &Ledger, run: &str) -> RunStatus {
    ledger.run(run).await.expect("an answer").expect("the run").status
}

/// The kinds of the entries of a run's history.
pub async fn story(ledger: &Ledger, run: &str) -> Vec<String> {
    let history = ledger.history(run, 0).await.expect("a history");
    let numbers: Vec<i64> = history.iter().map(|entry| entry.seq).collect();
    let expected: Vec<i64> = (1..).take(history.len()).collect();
    assert_eq!(numbers, expected, "counted without gaps");
    history.into_iter().map(|entry| entry.kind).collect()
}
