//! Ledgers that are files: created anywhere, brought up to date, and refused without a trace where they are none.

use std::error::Error as _;
use std::path::Path;

use serde_json::{Value, json};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions as _, Connection as _};
use wasmill_ledger::{Acceptance, Ledger, LedgerError, NewPhase, RunKindName, RunStatus, Share};

use crate::store::{Store, accept, claim, enter, story};

async fn connect(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    options.connect().await.unwrap()
}

async fn execute(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// Creating and opening a ledger there fails alike, and leaves every byte as it was.
async fn is_refused(file: &Path) -> LedgerError {
    let before = std::fs::read(file).unwrap();
    let url = format!("sqlite://{}", file.display());
    let opening = Ledger::open(&url, Path::new("")).await.unwrap_err();
    let creating = Ledger::create(&url, Path::new("")).await.unwrap_err();
    assert_eq!(opening.to_string(), creating.to_string());
    assert!(!creating.is_chance(), "{creating}");
    assert!(creating.to_string().contains(&file.display().to_string()), "{creating}");
    assert!(std::fs::read(file).unwrap() == before, "{} was changed", file.display());
    creating
}

#[tokio::test]
async fn what_is_no_ledger_at_all_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for url in ["ledger.db", "sqlite://", "mysql://localhost/wasmill", "sqlite://a\0b"] {
        let error = Ledger::create(url, folder.path()).await.unwrap_err();
        assert!(matches!(error, LedgerError::Url { .. }), "{url}: {error}");
        assert!(Ledger::check_url(url).is_err());
    }
    assert!(Ledger::check_url("sqlite://x.db").is_ok());
    let error = Ledger::open("sqlite://x.db", folder.path()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    for (name, text) in [("text", "no database, whatever its name"), ("short", "SQL"), ("one", "S")]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let error = is_refused(&file).await;
        assert!(matches!(error, LedgerError::NoDatabase { .. }), "{error}");
    }
    let url = format!("sqlite://{}", folder.path().display());
    let error = Ledger::create(&url, folder.path()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Open { .. }), "a folder: {error}");
}

/// As it does when the disk is full, and when a write fails.
#[tokio::test]
async fn transactions_that_sqlite_rolls_back_itself_leave_the_ledger_usable() {
    let store = Store::sqlite();
    let ledger = store.ledger().await;
    enter(&ledger, "before").await;
    let mut connection = connect(&store.folder.path().join("deep/down/ledger.db")).await;
    let trigger =
        "CREATE TRIGGER full BEFORE INSERT ON history BEGIN SELECT RAISE(ROLLBACK, 'no room'); END";
    execute(&mut connection, trigger).await;
    // More often than there are connections.
    let phase = NewPhase { phase: "phase", level: 0, digest: "d", splits: &[], cursors: &[] };
    for _ in 0..12 {
        let error = ledger.add_phase("before", &phase).await.expect_err("the trigger is there");
        let source = error.source().expect("what SQLite says").to_string();
        assert!(source.contains("no room"), "{source}");
    }
    execute(&mut connection, "DROP TRIGGER full").await;
    ledger.add_phase("before", &phase).await.expect("a phase");
    enter(&ledger, "after").await;
}

#[tokio::test]
async fn a_damaged_ledger_is_refused() {
    let store = Store::sqlite();
    let ledger = store.ledger().await;
    let splits: Vec<String> = (0..400).map(|split| format!("split-{split}")).collect();
    let splits: Vec<&str> = splits.iter().map(String::as_str).collect();
    enter(&ledger, "r").await;
    crate::store::plan(&ledger, "r", "phase", 0, &splits).await;
    drop(ledger);
    let file = store.folder.path().join("deep/down/ledger.db");
    // All of it into the file itself.
    let mut connection = connect(&file).await;
    execute(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE").await;
    connection.close().await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    assert!(whole.len() > 40_000, "{}", whole.len());
    for kept in [whole.len() / 2, 4096, 1000, 20] {
        std::fs::write(&file, &whole[..kept]).unwrap();
        let error = is_refused(&file).await;
        let damaged = matches!(error, LedgerError::Damaged { .. } | LedgerError::NoDatabase { .. });
        assert!(damaged, "{kept} bytes: {error}");
    }
    // A page in the midst of it.
    let mut scratched = whole.clone();
    scratched[20 * 1024..22 * 1024].fill(0x5a);
    std::fs::write(&file, scratched).unwrap();
    let creating = Ledger::create(&store.url, store.folder.path()).await.unwrap_err();
    assert!(matches!(creating, LedgerError::Damaged { .. }), "{creating}");
    std::fs::write(&file, whole).unwrap();
    assert_eq!(store.ledger().await.splits("r").await.unwrap().len(), 400);
}

#[tokio::test]
async fn the_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, sql) in [
        ("shop", "CREATE TABLE orders (id INTEGER)"),
        ("wal", "PRAGMA journal_mode = WAL; CREATE TABLE runs (id INTEGER)"),
        (
            "sqlx",
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT);
             INSERT INTO _sqlx_migrations VALUES (1, 'users'); CREATE TABLE users (id INTEGER)",
        ),
        (
            "runs",
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT);
             INSERT INTO _sqlx_migrations VALUES (1, 'races'); CREATE TABLE runs (id INTEGER)",
        ),
    ] {
        let file = folder.path().join(name);
        let mut connection = connect(&file).await;
        execute(&mut connection, sql).await;
        connection.close().await.unwrap();
        let error = is_refused(&file).await;
        assert!(matches!(error, LedgerError::Foreign { .. }), "{name}: {error}");
    }
}

#[tokio::test]
async fn a_ledger_of_a_newer_version_is_refused() {
    let store = Store::sqlite();
    enter(&store.ledger().await, "r").await;
    let file = store.folder.path().join("deep/down/ledger.db");
    let mut connection = connect(&file).await;
    execute(
        &mut connection,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (7, 'later', TRUE, x'00', 1)",
    )
    .await;
    connection.close().await.unwrap();
    let error = is_refused(&file).await;
    assert!(matches!(error, LedgerError::Newer { found: 7, known: 3, .. }), "{error}");
}

/// A ledger as the first version left it, with a run that succeeded and one that was killed.
#[tokio::test]
async fn an_old_ledger_is_brought_up_to_date() {
    let store = Store::sqlite();
    let file = store.folder.path().join("deep/down/ledger.db");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    let mut connection = options.connect().await.unwrap();
    let sql = sqlx::SqlStr::from_static(include_str!("../../migrations/0001_initial.sql"));
    let initial = Migration::new(1, "initial".into(), MigrationType::Simple, sql, false);
    Migrator::with_migrations(vec![initial]).run(&mut connection).await.unwrap();
    execute(
        &mut connection,
        r#"
        INSERT INTO runs VALUES ('late', 'p', 'd', 'running', 30, NULL, NULL, NULL);
        INSERT INTO runs VALUES ('early', 'p', 'd', 'succeeded', 10, 15, NULL, '{"rows":1}');
        INSERT INTO runs VALUES ('twin', 'q', 'd', 'failed', 10, 11, 'no luck', '{}');
        INSERT INTO splits VALUES ('early', 'load', 's1', '{"file":1}', 2, 'once');
        INSERT INTO splits VALUES ('early', 'daily', 'all', 'null', 1, NULL);
        INSERT INTO splits VALUES ('late', 'load', 's1', '{"file":1}', 1, NULL);
        INSERT INTO manifests VALUES ('early', 'load', 's1', 'a2', 12, '{"rows":1}');
        INSERT INTO quarantine VALUES ('early', 'clean', 'load', 's1', 'bad', '', 3, '/q/f.arrow');
        INSERT INTO commits VALUES ('early', 'out', 14, '{"rows":1}');
        INSERT INTO cursors VALUES ('p', 'api', '0', '9', 'early');
        INSERT INTO outbox VALUES ('early', 'ops', 'k', '{"kind":"x"}', 0, NULL, NULL);
        "#,
    )
    .await;
    connection.close().await.unwrap();

    let ledger = store.ledger().await;
    let runs = ledger.runs(None, 10).await.unwrap();
    let found: Vec<_> = runs.iter().map(|run| (run.id.as_str(), run.ordinal)).collect();
    assert_eq!(found, [("late", 3), ("twin", 2), ("early", 1)]);
    let early = ledger.run("early").await.unwrap().unwrap();
    assert_eq!((early.kind, early.fingerprint, early.epoch), (RunKindName::Run, Value::Null, 0));
    assert_eq!(early.summary, Some(json!({ "rows": 1 })));
    let splits = ledger.splits("early").await.unwrap();
    let found: Vec<_> = splits.iter().map(|it| (it.phase.as_str(), it.accepted)).collect();
    assert_eq!(found, [("daily", false), ("load", true)]);
    assert_eq!(ledger.manifests("early").await.unwrap()[0].attempt, "a2");
    assert_eq!(ledger.quarantine("early").await.unwrap()[0].purged_ms, None);
    assert_eq!(ledger.commits("early").await.unwrap().len(), 1);
    assert_eq!(ledger.cursors("p", "api").await.unwrap().len(), 1);
    assert_eq!(ledger.undelivered(Some("p")).await.unwrap().len(), 1);
    assert!(story(&ledger, "early").await.is_empty());
    assert_eq!(ledger.health().await.unwrap().problems, Vec::<String>::new());
    // What was killed goes on, and new runs come after the old ones.
    let driver = claim(&ledger, "late").await;
    assert_eq!(driver.status, RunStatus::Running);
    let accepted = ledger.accept("late", "load", "s1", "b", &json!({}), &[]).await.unwrap();
    assert_eq!(accepted, Acceptance::Accepted);
    enter(&ledger, "new").await;
    assert_eq!(ledger.run("new").await.unwrap().unwrap().ordinal, 4);
    assert_eq!(story(&ledger, "late").await, ["run.claimed", "attempt.accepted"]);
}

/// One that starts a run, and others that look for runs meanwhile: each has connections of its own, as processes do.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ledger_can_be_opened_while_it_is_created() {
    for _ in 0..10 {
        let store = Store::sqlite();
        let opening: Vec<_> = (0..8)
            .map(|index| {
                let (url, folder) = (store.url.clone(), store.folder.path().to_owned());
                tokio::spawn(async move {
                    if index % 2 == 0 {
                        return Ledger::create(&url, &folder).await.map(drop);
                    }
                    match Ledger::open(&url, &folder).await {
                        Ok(ledger) => ledger.runs(None, 1).await.map(drop),
                        Err(LedgerError::Missing { .. }) => Ok(()),
                        Err(error) => Err(error),
                    }
                })
            })
            .collect();
        for opening in opening {
            opening.await.unwrap().unwrap();
        }
    }
}

/// Whoever created it was killed before it could say what is in it.
#[tokio::test]
async fn a_ledger_that_was_begun_is_finished() {
    let store = Store::sqlite();
    let file = store.folder.path().join("deep/down/ledger.db");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "").unwrap();
    enter(&store.ledger().await, "r").await;
    std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut connection = connect(&file).await;
    execute(
        &mut connection,
        "PRAGMA journal_mode = WAL;
         CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,
             checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
    )
    .await;
    connection.close().await.unwrap();
    enter(&store.ledger().await, "r").await;
}

#[tokio::test]
async fn a_ledger_is_where_its_path_says() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "a b",
        "50%25 of?mode=memory",
        "#1",
        "quo'te\"",
        "ä🦀",
        ":memory:",
        "x&y=z;",
        "tab\tline\n",
    ] {
        let url = format!("sqlite://{name}/ledger.db");
        let ledger = Ledger::create(&url, folder.path()).await.unwrap();
        enter(&ledger, "r").await;
        let here = folder.path().join(name);
        assert_eq!(ledger.folder(), Some(here.as_path()));
        assert_eq!(ledger.place(), here.join("ledger.db").display().to_string());
        assert!(here.join("ledger.db").metadata().unwrap().len() > 0, "{name}");
        let again = Ledger::open(&url, folder.path()).await.unwrap();
        assert!(again.run("r").await.unwrap().is_some(), "{name}");
    }
}

/// A link is the file that it leads to: its locks are those of the file.
#[tokio::test]
async fn a_link_to_a_ledger_is_the_ledger() {
    let store = Store::sqlite();
    let ledger = store.ledger().await;
    enter(&ledger, "r").await;
    let link = store.folder.path().join("link.db");
    std::os::unix::fs::symlink("deep/down/ledger.db", &link).unwrap();
    let linked = Ledger::open("sqlite://deep/../link.db", store.folder.path()).await.unwrap();
    assert!(linked.run("r").await.unwrap().is_some());
    let lock = ledger.lock_run("r", Share::Exclusive).await.unwrap().unwrap();
    assert!(linked.lock_run("r", Share::Exclusive).await.unwrap().is_none());
    lock.release().await;
    crate::store::plan(&linked, "r", "phase", 0, &["s"]).await;
    assert_eq!(accept(&ledger, "r", "s").await, Acceptance::Accepted);
}
