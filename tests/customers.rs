//! The scenario `pipelines/customers`, run by the binary: `expected.py`, which knows nothing of Wasmill, judges who was taken for one person by
//! the ground truth, and makes every golden record anew.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};
use wasmill_tests::scenario::Scenario;
use wasmill_tests::workspace::wasmill_program;

#[tokio::test]
async fn persons_are_found_and_what_is_made_of_them_is_there_once() {
    let scenario = Customers::new();
    scenario.run("first.jsonl");
    let judged = scenario.judged("first.jsonl");
    assert!(judged.to_string().contains("\"f1\""), "{judged}");
    let (customers, records) =
        (scenario.table("customers").await, scenario.table("customer_records").await);
    assert!(
        customers.len() > 900 && records.len() > 1_800,
        "{} of {}",
        customers.len(),
        records.len()
    );

    // Another run merges into what is there: nobody comes twice, and nothing changes.
    scenario.run("second.jsonl");
    scenario.judged("second.jsonl");
    assert_eq!(scenario.table("customers").await, customers);
    assert_eq!(scenario.table("customer_records").await, records);
}

struct Customers {
    scenario: Scenario,
}

impl Customers {
    fn new() -> Self {
        Self { scenario: Scenario::copy_of("customers") }
    }

    fn folder(&self) -> PathBuf {
        self.scenario.folder()
    }

    fn run(&self, events: &str) {
        let mut run = Command::new(wasmill_program());
        run.args(["run", "pipeline.toml", "--output", "json"]).current_dir(self.folder());
        let output = run.output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        std::fs::write(self.folder().join(events), output.stdout).expect("a file");
    }

    /// What `expected.py` says of the outputs; panics where it finds something wrong.
    fn judged(&self, events: &str) -> Value {
        let mut judge = Command::new("python3");
        judge.args(["expected.py", "out", events]).current_dir(self.folder());
        let output = judge.output().expect("python3 runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// All rows of a table, as texts, in order.
    async fn table(&self, name: &str) -> Vec<String> {
        let file = SqliteConnectOptions::new().filename(self.folder().join("out/customers.db"));
        let mut database = file.connect().await.expect("a database");
        let names = sqlx::query(sqlx::AssertSqlSafe(format!(
            "select name from pragma_table_info('{name}') order by cid"
        )))
        .fetch_all(&mut database)
        .await
        .expect("columns");
        let columns: Vec<String> =
            names.iter().map(|row| format!("quote(\"{}\")", row.get::<String, _>(0))).collect();
        let query =
            format!("select {} as line from {name} order by line", columns.join(" || '|' || "));
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(query)).fetch_all(&mut database).await.expect("rows");
        rows.iter().map(|row| row.get(0)).collect()
    }
}
