//! The laws that all sources hold to: they are divided the same way again, into about as many splits as are wanted, and refuse
//! what has changed since.

#![expect(clippy::unwrap_used, reason = "in helpers of tests too, a panic is the report")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, Schema};
use futures::StreamExt as _;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tempfile::TempDir;
use wasmill_connect::error::{ConnectError, Result};
use wasmill_connect::source::arrow_ipc::ArrowSource;
use wasmill_connect::source::csv::CsvSource;
use wasmill_connect::source::jsonl::JsonlSource;
use wasmill_connect::source::parquet::ParquetSource;
use wasmill_connect::source::sqlite::SqliteSource;
use wasmill_connect::source::{Source, SourceSplit};

const ROWS: i64 = 20_000;
const ROW_GROUPS: usize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Csv,
    Jsonl,
    Parquet,
    Arrow,
    Sqlite,
}

const KINDS: [Kind; 5] = [Kind::Csv, Kind::Jsonl, Kind::Parquet, Kind::Arrow, Kind::Sqlite];

/// A source of the numbers below [`ROWS`], each with a text.
struct Fixture {
    kind: Kind,
    folder: TempDir,
}

impl Fixture {
    async fn new(kind: Kind) -> Self {
        let fixture = Self { kind, folder: tempfile::tempdir().unwrap() };
        let path = fixture.path();
        match kind {
            Kind::Csv => {
                let lines = (0..ROWS).map(|n| format!("{n},text {n}\n"));
                std::fs::write(path, "n,text\n".to_owned() + &lines.collect::<String>()).unwrap();
            }
            Kind::Jsonl => {
                let lines = (0..ROWS).map(|n| format!("{{\"n\":{n},\"text\":\"text {n}\"}}\n"));
                std::fs::write(path, lines.collect::<String>()).unwrap();
            }
            Kind::Parquet => {
                let properties = WriterProperties::builder()
                    .set_max_row_group_row_count(Some(ROWS as usize / ROW_GROUPS))
                    .build();
                let file = std::fs::File::create(path).unwrap();
                let mut writer =
                    ArrowWriter::try_new(file, batch().schema(), Some(properties)).unwrap();
                writer.write(&batch()).unwrap();
                writer.close().unwrap();
            }
            Kind::Arrow => {
                let file = std::fs::File::create(path).unwrap();
                let batch = batch();
                let mut writer =
                    arrow_ipc::writer::FileWriter::try_new(file, &batch.schema()).unwrap();
                for start in (0..ROWS as usize).step_by(100) {
                    writer.write(&batch.slice(start, 100)).unwrap();
                }
                writer.finish().unwrap();
            }
            Kind::Sqlite => {
                let mut connection = fixture.connect(SqliteJournalMode::Delete).await;
                let fill = format!(
                    "WITH RECURSIVE numbers(n) AS
                     (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {ROWS})
                     INSERT INTO t SELECT n, 'text ' || n FROM numbers"
                );
                connection.execute("CREATE TABLE t (n INTEGER, text TEXT)").await.unwrap();
                connection.execute(AssertSqlSafe(fill)).await.unwrap();
                connection.close().await.unwrap();
            }
        }
        // The time of the last change is no finer than a few milliseconds.
        tokio::time::sleep(Duration::from_millis(20)).await;
        fixture
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn connect(&self, mode: SqliteJournalMode) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true)
            .journal_mode(mode)
            .connect()
            .await
            .unwrap()
    }

    async fn open(&self) -> Box<dyn Source> {
        let base = self.folder.path();
        let types = json!({ "n": "int64" });
        match self.kind {
            Kind::Csv => {
                let config = json!({ "path": "data", "types": types });
                Box::new(CsvSource::open(&serde_json::from_value(config).unwrap(), base).unwrap())
            }
            Kind::Jsonl => {
                let config = json!({ "path": "data" });
                Box::new(JsonlSource::open(&serde_json::from_value(config).unwrap(), base).unwrap())
            }
            Kind::Parquet => {
                let config = serde_json::from_value(json!({ "path": "data" })).unwrap();
                Box::new(ParquetSource::open(&config, base).unwrap())
            }
            Kind::Arrow => {
                let config = json!({ "path": "data" });
                Box::new(ArrowSource::open(&serde_json::from_value(config).unwrap(), base).unwrap())
            }
            Kind::Sqlite => {
                let config = json!({ "path": "data", "table": "t" });
                let config = serde_json::from_value(config).unwrap();
                Box::new(SqliteSource::open(&config, base).await.unwrap())
            }
        }
    }

    /// Changes the data, so that the file has another size.
    async fn grow(&self) {
        if self.kind == Kind::Sqlite {
            let mut connection = self.connect(SqliteJournalMode::Delete).await;
            connection.execute("CREATE TABLE u AS SELECT * FROM t").await.unwrap();
            connection.close().await.unwrap();
        } else {
            let file = std::fs::OpenOptions::new().append(true).open(self.path());
            file.unwrap().write_all(b"\n").unwrap();
        }
    }
}

fn batch() -> RecordBatch {
    let numbers: ArrayRef = Arc::new((0..ROWS).collect::<Int64Array>());
    let texts = (0..ROWS).map(|n| Some(format!("text {n}"))).collect::<StringArray>();
    RecordBatch::try_from_iter([("n", numbers), ("text", Arc::new(texts) as ArrayRef)]).unwrap()
}

async fn numbers(source: &dyn Source, split: &SourceSplit) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    let mut batches = source.read(split, 100)?;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        assert_eq!(batch.bad_records, []);
        let column = batch.batch.column_by_name("n").unwrap();
        numbers.extend(column.as_primitive::<Int64Type>().values());
    }
    Ok(numbers)
}

fn changed(error: ConnectError, path: &Path) -> String {
    assert!(!error.is_chance(), "{error}");
    let ConnectError::Changed { path: changed, what } = error else { panic!("{error}") };
    assert_eq!(changed, path);
    what
}

#[tokio::test]
async fn an_unchanged_source_is_divided_the_same_way_again() {
    for kind in KINDS {
        let fixture = Fixture::new(kind).await;
        for wanted in [None, Some(1), Some(3), Some(1_000)] {
            let divide = async || {
                let splits = fixture.open().await.splits(wanted).await.unwrap();
                serde_json::to_string(&splits).unwrap()
            };
            let first = divide().await;
            // Reading it is no change.
            let source = fixture.open().await;
            for split in source.splits(wanted).await.unwrap() {
                numbers(source.as_ref(), &split).await.unwrap();
            }
            assert_eq!(divide().await, first, "{kind:?}");
            // What is kept in a ledger and read from there is the same split.
            let kept: Vec<SourceSplit> = serde_json::from_str(&first).unwrap();
            assert_eq!(kept, source.splits(wanted).await.unwrap(), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_source_is_divided_into_about_as_many_splits_as_are_wanted() {
    let mut counts = BTreeMap::new();
    for kind in KINDS {
        let fixture = Fixture::new(kind).await;
        let source = fixture.open().await;
        for wanted in [None, Some(0), Some(1), Some(7), Some(1_000)] {
            let splits = source.splits(wanted).await.unwrap();
            let mut all = Vec::new();
            for split in &splits {
                all.extend(numbers(source.as_ref(), split).await.unwrap());
            }
            assert!(all.into_iter().eq(0..ROWS), "{kind:?} {wanted:?}");
            counts.entry(format!("{kind:?}")).or_insert_with(Vec::new).push(splits.len());
        }
    }
    let expected = [
        ("Arrow", [1, 1, 1, 1, 1]),
        ("Csv", [1, 1, 1, 7, 1_000]),
        ("Jsonl", [1, 1, 1, 7, 1_000]),
        ("Parquet", [ROW_GROUPS, 1, 1, 7, ROW_GROUPS]),
        ("Sqlite", [1, 1, 1, 7, 1_000]),
    ];
    for (kind, expected) in expected {
        for (count, expected) in counts[kind].iter().zip(expected) {
            // A cut is made where a record ends, so the last split may be a short one, or none.
            let near = expected - expected / 20..=expected;
            assert!(near.contains(count), "{kind}: {count} splits where {expected} are wanted");
        }
    }
}

#[tokio::test]
async fn a_file_that_changed_after_planning_is_refused() {
    for kind in KINDS {
        let fixture = Fixture::new(kind).await;
        let source = fixture.open().await;
        let splits = source.splits(Some(3)).await.unwrap();
        fixture.grow().await;
        for split in &splits {
            // At once, and not when all has been read.
            let first = source.read(split, 10).unwrap().next().await.unwrap();
            let error = first.unwrap_err();
            let what = changed(error, &fixture.path());
            assert!(what.starts_with("it had ") && what.contains(" bytes, and has "), "{what}");
        }
        // Planned anew, it is read as it is now.
        if matches!(kind, Kind::Csv | Kind::Jsonl | Kind::Sqlite) {
            let source = fixture.open().await;
            let splits = source.splits(None).await.unwrap();
            assert_eq!(numbers(source.as_ref(), &splits[0]).await.unwrap().len(), ROWS as usize);
        }
        std::fs::remove_file(fixture.path()).unwrap();
        let error = numbers(source.as_ref(), &splits[0]).await.unwrap_err();
        assert_eq!(changed(error, &fixture.path()), "it is gone", "{kind:?}");
    }
}

#[tokio::test]
async fn a_file_that_was_written_again_is_refused_though_it_has_its_size() {
    for kind in KINDS {
        let fixture = Fixture::new(kind).await;
        let source = fixture.open().await;
        let split = &source.splits(None).await.unwrap()[0];
        std::fs::write(fixture.path(), std::fs::read(fixture.path()).unwrap()).unwrap();
        let error = numbers(source.as_ref(), split).await.unwrap_err();
        let what = changed(error, &fixture.path());
        assert!(what.starts_with("it still has ") && what.ends_with("and was modified"), "{what}");
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_refused_at_the_end() {
    let files = KINDS.into_iter().filter(|kind| *kind != Kind::Sqlite);
    for kind in files {
        for truncate in [false, true] {
            let fixture = Fixture::new(kind).await;
            let source = fixture.open().await;
            let split = &source.splits(Some(1)).await.unwrap()[0];
            let mut batches = source.read(split, 10).unwrap();
            let first = batches.next().await.unwrap().unwrap();
            assert_eq!(first.batch.num_rows(), 10);
            if truncate {
                let file = std::fs::OpenOptions::new().write(true).open(fixture.path()).unwrap();
                file.set_len(4).unwrap();
            } else {
                fixture.grow().await;
            }
            let rest: Vec<_> = batches.collect().await;
            let (last, before) = rest.split_last().unwrap();
            assert!(before.iter().all(Result::is_ok), "{kind:?}");
            let Err(ConnectError::Changed { path, what }) = last else {
                panic!("{kind:?}: {last:?}")
            };
            assert_eq!(*path, fixture.path());
            assert!(what.starts_with("it had "), "{kind:?}: {what}");
        }
    }
}

#[tokio::test]
async fn a_database_that_changes_while_it_is_read_is_refused_at_the_end() {
    let fixture = Fixture::new(Kind::Sqlite).await;
    // With a log, writing goes on beside reading; before, there is nothing in it.
    let mut other = fixture.connect(SqliteJournalMode::Wal).await;
    let mut log = fixture.path().into_os_string();
    log.push("-wal");
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    let source = fixture.open().await;
    let split = &source.splits(None).await.unwrap()[0];
    let mut batches = source.read(split, 10).unwrap();
    batches.next().await.unwrap().unwrap();
    other.execute("UPDATE t SET text = 'other'").await.unwrap();
    let rest: Vec<_> = batches.collect().await;
    let (last, before) = rest.split_last().unwrap();
    assert!(before.iter().all(Result::is_ok));
    let Err(ConnectError::Changed { path, what }) = last else { panic!("{last:?}") };
    assert_eq!(*path, PathBuf::from(log));
    assert!(what.starts_with("it had nothing in it, and has "), "{what}");
    // Planned anew it is read, with what is in the log, and a log that goes on is a change too.
    let split = &source.splits(None).await.unwrap()[0];
    assert_eq!(numbers(source.as_ref(), split).await.unwrap().len(), ROWS as usize);
    other.execute("UPDATE t SET text = 'another' WHERE n = 1").await.unwrap();
    let error = numbers(source.as_ref(), split).await.unwrap_err();
    assert!(error.to_string().contains("data-wal has changed"), "{error}");
}

#[tokio::test]
async fn splits_of_earlier_ledgers_are_still_read() {
    let fixture = Fixture::new(Kind::Sqlite).await;
    let source = fixture.open().await;
    let descriptor = json!({ "row_ids": [1, 10] });
    let split = SourceSplit { descriptor, rows: None, bytes: None };
    assert!(numbers(source.as_ref(), &split).await.unwrap().into_iter().eq(0..10));

    // One row group, as it was described before several could be.
    let fixture = Fixture::new(Kind::Parquet).await;
    let source = fixture.open().await;
    let split = &source.splits(None).await.unwrap()[1];
    let keys: Vec<&str> =
        split.descriptor.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["file", "row_group"]);
    let rows = ROWS / ROW_GROUPS as i64;
    assert!(numbers(source.as_ref(), split).await.unwrap().into_iter().eq(rows..2 * rows));
}

#[tokio::test]
async fn who_cannot_read_records_again_says_so() {
    for kind in KINDS {
        let source = Fixture::new(kind).await.open().await;
        assert_eq!(source.can_reread(), matches!(kind, Kind::Csv | Kind::Jsonl), "{kind:?}");
        let again = source.reread(Vec::new(), 10);
        let refused = matches!(again, Err(ConnectError::NotReread));
        assert_eq!(refused, !source.can_reread(), "{kind:?}");
        assert_ne!(source.schema().as_ref(), &Schema::empty());
    }
}
