//! What `wasmill doctor` learns.

use serde_json::json;
use wasmill_ledger::RunStatus;

use crate::store::{Store, accept, claim, drive, end, enter};

super::on_both!(a_ledger_says_how_it_is);

async fn a_ledger_says_how_it_is(store: Store) {
    let ledger = store.ledger().await;
    let empty = ledger.health().await.unwrap();
    assert!(empty.runs.is_empty());
    let driver = drive(&ledger, "done", &["s"]).await;
    accept(&ledger, "done", "s").await;
    ledger.start_commit(&driver).await.unwrap();
    ledger.add_commit(&driver, "out", &json!({})).await.unwrap();
    end(&ledger, &driver, RunStatus::Succeeded).await;
    for run in ["failed", "gone"] {
        enter(&ledger, run).await;
        let claim = claim(&ledger, run).await;
        end(&ledger, &claim, RunStatus::Failed).await;
    }
    let health = ledger.health().await.unwrap();
    let (name, version) = health.database.split_once(' ').unwrap();
    let expected = if store.url.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" };
    assert_eq!(name, expected);
    assert!(version.starts_with(|digit: char| digit.is_ascii_digit()), "{version}");
    assert_eq!(health.schema, 3);
    assert_eq!(health.problems, Vec::<String>::new());
    assert!((10_000..10_000_000).contains(&health.bytes), "{}", health.bytes);
    let runs: Vec<_> = health.runs.into_iter().collect();
    assert_eq!(runs, [(RunStatus::Succeeded, 1), (RunStatus::Failed, 2)]);
}
