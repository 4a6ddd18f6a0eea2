//! The scenario `pipelines/customers`, run by the binary: `expected.py`, which knows nothing of Wasmill, judges who was taken for one person by
//! the ground truth, and makes every golden record anew.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};
use wasmill_tests::scenario::Scenario;

#[tokio::test]
async fn persons_are_found_and_what_is_made_of_them_is_there_once() {
    let customers = Customers::new();
    customers.scenario.run("pipeline.toml", "first.jsonl");
    let judged = customers.scenario.judged("first.jsonl");
    assert!(judged.to_string().contains("\"f1\""), "{judged}");
    let (persons, records) =
        (customers.table("customers").await, customers.table("customer_records").await);
    assert!(
        persons.len() > 900 && records.len() > 1_800,
        "{} of {}",
        persons.len(),
        records.len()
    );

    // Another run merges into what is there: nobody comes twice, and nothing changes.
    customers.scenario.run("pipeline.toml", "second.jsonl");
    customers.scenario.judged("second.jsonl");
    assert_eq!(customers.table("customers").await, persons);
    assert_eq!(customers.table("customer_records").await, records);
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
