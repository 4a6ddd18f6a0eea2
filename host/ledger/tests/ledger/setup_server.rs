//! Ledgers on a server: created in a schema of their own, refused where they are none; and passwords stay secret.

use std::path::Path;

use sqlx::Connection as _;
use wasmill_ledger::{Ledger, LedgerError, RunStatus};
use wasmill_test_servers::Postgres;

use crate::store::{Store, claim, drive, end, enter, status};

fn database(store: &Store) -> &str {
    store.url.rsplit('/').next().unwrap()
}

/// All that an error says.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_create_it_at_the_same_time() {
    let store = Store::postgres();
    let error = Ledger::open(&store.url, Path::new("")).await.unwrap_err();
    assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
    let creating: Vec<_> = (0..8)
        .map(|index| {
            let url = store.url.clone();
            tokio::spawn(async move {
                let ledger = Ledger::create(&url, Path::new("")).await.unwrap();
                enter(&ledger, &format!("r{index}")).await;
            })
        })
        .collect();
    for creating in creating {
        creating.await.unwrap();
    }
    let ledger = Ledger::open(&store.url, Path::new("")).await.unwrap();
    assert_eq!(ledger.runs(None, 100).await.unwrap().len(), 8);
    assert_eq!(ledger.folder(), None);
}

#[tokio::test]
async fn passwords_are_nowhere_to_be_read() {
    let store = Store::postgres();
    let ledger = store.ledger().await;
    let server = Postgres::shared();
    let database = database(&store);
    let mut said = vec![ledger.place().to_owned(), format!("{ledger:?}")];
    assert!(ledger.place().starts_with("postgres://postgres@127.0.0.1:"), "{}", ledger.place());
    assert!(ledger.place().ends_with(database));
    let secret = Postgres::PASSWORD_IN_URL;
    for url in [
        server.url("nobody", secret, database),
        server.url("postgres", secret, "nowhere"),
        server.url("postgres", "wrong%40secret", database),
        format!("postgres://postgres:{secret}@127.0.0.1:1/{database}"),
        format!("postgres://postgres:{secret}@127.0.0.1:99999/{database}"),
        format!("postgres://postgres:{secret}@127.0.0.1/{database}?sslmode=perhaps"),
        format!("postgres://postgres:{}@127.0.0.1/{database}", Postgres::PASSWORD),
        format!("mysql://postgres:{secret}@127.0.0.1/{database}"),
        format!("postgres:postgres:{secret}@127.0.0.1"),
    ] {
        let error = Ledger::create(&url, Path::new("")).await.unwrap_err();
        said.push(chain(&error));
        said.push(format!("{error:?}"));
    }
    for text in said {
        for secret in [Postgres::PASSWORD, Postgres::PASSWORD_IN_URL, "wrong", "p%40ss", "p@ss"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn tables_of_other_programs_are_left_alone() {
    let store = Store::postgres();
    let server = Postgres::shared();
    let database = database(&store);
    server.execute(database, "CREATE TABLE runs (id INT); CREATE TABLE _sqlx_migrations (x INT)");
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    assert_eq!(server.execute(database, "SELECT count(*) FROM public.runs"), "0");
    assert_eq!(server.execute(database, "SELECT count(*) FROM wasmill.runs"), "1");
    let taken = Store::postgres();
    let database = taken.url.rsplit('/').next().unwrap();
    server.execute(database, "CREATE SCHEMA wasmill; CREATE TABLE wasmill.runs (id INT)");
    let error = Ledger::create(&taken.url, Path::new("")).await.unwrap_err();
    assert!(matches!(error, LedgerError::Foreign { .. }), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'wasmill'";
    assert_eq!(server.execute(database, tables), "1");
}

#[tokio::test]
async fn a_ledger_of_a_newer_version_is_refused() {
    let store = Store::postgres();
    drop(store.ledger().await);
    Postgres::shared().execute(
        database(&store),
        "INSERT INTO wasmill._sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (7, 'later', TRUE, '\\x00', 1)",
    );
    for ledger in [
        Ledger::create(&store.url, Path::new("")).await,
        Ledger::open(&store.url, Path::new("")).await,
    ] {
        let error = ledger.unwrap_err();
        assert!(matches!(error, LedgerError::Newer { found: 7, known: 3, .. }), "{error}");
    }
}

/// Whoever may only use the schema that somebody made for it can do so.
#[tokio::test]
async fn a_user_needs_no_more_than_the_schema() {
    let store = Store::postgres();
    let (server, database) = (Postgres::shared(), database(&store));
    server.execute(
        database,
        "CREATE ROLE mill LOGIN PASSWORD 'mill'; CREATE SCHEMA wasmill AUTHORIZATION mill",
    );
    let url = server.url("mill", "mill", database);
    let ledger = Ledger::create(&url, Path::new("")).await.unwrap();
    let driver = drive(&ledger, "r", &["s"]).await;
    end(&ledger, &driver, RunStatus::Failed).await;
    assert_eq!(ledger.health().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_connection_is_chance_and_the_next_one_works() {
    let store = Store::postgres();
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let (server, database) = (Postgres::shared(), database(&store));
    let kick = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = '{database}' AND pid <> pg_backend_pid()"
    );
    // In the midst of a transaction: somebody else holds the row that it waits for.
    let claiming = {
        let ledger = ledger.clone();
        let mut blocker = sqlx::postgres::PgConnection::connect(&store.url).await.unwrap();
        sqlx::raw_sql("BEGIN; UPDATE wasmill.runs SET events = events")
            .execute(&mut blocker)
            .await
            .unwrap();
        let claiming = tokio::spawn(async move { ledger.claim_run("r", "a test").await });
        while server.execute(database, "SELECT count(*) FROM pg_locks WHERE NOT granted") == "0" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        server.execute("postgres", &kick);
        claiming.await.unwrap()
    };
    let error = claiming.unwrap_err();
    assert!(error.is_chance(), "{}", chain(&error));
    assert_eq!(status(&ledger, "r").await, RunStatus::Running);
    assert_eq!(claim(&ledger, "r").await.epoch, 1, "the lost claim never was");
    let refused = Ledger::open("postgres://nobody@127.0.0.1:1/x", Path::new("")).await.unwrap_err();
    assert!(refused.is_chance(), "{}", chain(&refused));
    let wrong = server.url("postgres", "wrong", database);
    let wrong = Ledger::open(&wrong, Path::new("")).await.unwrap_err();
    assert!(!wrong.is_chance(), "{}", chain(&wrong));
}
