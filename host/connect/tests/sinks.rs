//! The laws that all sinks hold to, each tried with every kind and mode; below them, what is particular to some.

#![expect(clippy::unwrap_used, reason = "in helpers of tests too, a panic is the report")]

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use futures::{FutureExt as _, StreamExt as _};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;
use wasmill_connect::crash::{self, Crashed, Plan};
use wasmill_connect::error::{ConnectError, Result};
use wasmill_connect::sink::files::FileSink;
use wasmill_connect::sink::sqlite::SqliteSink;
use wasmill_connect::sink::{
    CommitReport, Guarantee, PartName, Publish, Sink, StageWriter, StagedPart,
};
use wasmill_connect::source::Source;
use wasmill_connect::source::csv::CsvSource;
use wasmill_connect::source::jsonl::JsonlSource;
use wasmill_connect::source::parquet::ParquetSource;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Parquet,
    Csv,
    Jsonl,
    Sqlite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Append,
    Replace,
    Merge,
}

#[derive(Debug, Clone, Copy)]
struct Case {
    kind: Kind,
    mode: Mode,
}

impl Case {
    fn is_files(self) -> bool {
        self.kind != Kind::Sqlite
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let files = [Kind::Parquet, Kind::Csv, Kind::Jsonl].into_iter();
    let files =
        files.flat_map(|kind| [Mode::Append, Mode::Replace].map(|mode| Case { kind, mode }));
    let tables = [Mode::Append, Mode::Replace, Mode::Merge].into_iter();
    files.chain(tables.map(|mode| Case { kind: Kind::Sqlite, mode }))
}

type Rows = Vec<(i64, String)>;

fn rows(rows: &[(i64, &str)]) -> Rows {
    rows.iter().map(|(id, text)| (*id, (*text).to_owned())).collect()
}

const OLD: &[(i64, &str)] = &[(1, "old"), (2, "old")];
const FIRST: &[(i64, &str)] = &[(2, "new"), (3, "new")];
const SECOND: &[(i64, &str)] = &[(4, "new")];
const STRAY: &[(i64, &str)] = &[(9, "of an attempt that does not count")];

fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    Arc::new(Schema::new(vec![field("id", DataType::Int64), field("text", DataType::Utf8)]))
}

fn batch(rows: &[(i64, &str)]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
    let texts: ArrayRef = Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>());
    RecordBatch::try_new(schema(), vec![ids, texts]).unwrap()
}

/// A target in a folder of its own, with the rows [`OLD`] of `run-0`.
struct Target {
    case: Case,
    folder: TempDir,
    sink: Arc<dyn Sink>,
}

impl Target {
    async fn new(case: Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sink = open(case, folder.path());
        let target = Self { case, folder, sink };
        target.sink.check(schema()).await.unwrap();
        let part = target.stage("run-0", "a-00000", "x", OLD);
        target.commit("run-0", &[part]).await.unwrap();
        target.sink.sweep("run-0", &[]).unwrap();
        target
    }

    /// As the next process would.
    fn reopen(&mut self) {
        self.sink = open(self.case, self.folder.path());
    }

    fn writer(&self, run: &str, stem: &str, attempt: &str) -> Box<dyn StageWriter> {
        let (run, stem, attempt) = (run.to_owned(), stem.to_owned(), attempt.to_owned());
        let scratch = self.folder.path().join("scratch").join(&run);
        self.sink.stage(schema(), &PartName { run, stem, attempt }, &scratch).unwrap()
    }

    fn stage(&self, run: &str, stem: &str, attempt: &str, rows: &[(i64, &str)]) -> StagedPart {
        let mut writer = self.writer(run, stem, attempt);
        assert_eq!(writer.write(&batch(rows)).unwrap(), []);
        writer.finish().unwrap()
    }

    /// The parts of `run-1` that count, beside attempts that do not.
    fn stage_run(&self) -> Vec<StagedPart> {
        self.stage("run-1", "a-00000", "early", STRAY);
        let first = self.stage("run-1", "a-00000", "x", FIRST);
        let second = self.stage("run-1", "a-00001", "y", SECOND);
        self.stage("run-1", "a-00001", "late", STRAY);
        vec![first, second]
    }

    async fn commit(&self, run: &str, parts: &[StagedPart]) -> Result<CommitReport> {
        self.sink.commit(schema(), run, parts, Publish::AsConfigured).await
    }

    /// Commits and sweeps `run-1`, and says whether it died on the way.
    async fn dies(&self, plan: &str, parts: &[StagedPart]) -> bool {
        let finish = async {
            self.commit("run-1", parts).await.unwrap();
            self.sink.sweep("run-1", &[]).unwrap();
        };
        let ended =
            AssertUnwindSafe(crash::scope(Plan::parse(plan).unwrap(), finish)).catch_unwind().await;
        match ended {
            Ok(()) => false,
            Err(panic) => {
                let crashed = panic.downcast::<Crashed>().expect("nothing else goes wrong");
                assert!(plan.starts_with(crashed.point));
                true
            }
        }
    }

    /// What the rows are when `run-1` has been published.
    fn expected(&self, publish: Publish) -> Rows {
        let new = [FIRST, SECOND].concat();
        let old = OLD.iter().filter(|old| match (self.case.mode, publish) {
            (Mode::Replace, Publish::AsConfigured) => false,
            (Mode::Merge, _) => new.iter().all(|new| new.0 != old.0),
            _ => true,
        });
        let mut all = rows(&old.chain(&new).copied().collect::<Vec<_>>());
        all.sort();
        all
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("out.db")
    }

    async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.database()).connect().await.unwrap()
    }

    /// What a reader sees, sorted.
    async fn rows(&self) -> Rows {
        let mut all = if self.case.is_files() {
            self.rows_of_files().await
        } else {
            let mut connection = self.connect().await;
            let found = connection.fetch_all("SELECT id, text FROM t").await.unwrap();
            found.iter().map(|row| (row.get(0), row.get(1))).collect()
        };
        all.sort();
        all
    }

    async fn rows_of_files(&self) -> Rows {
        let types = json!({ "id": "int64", "text": "utf8" });
        let base = self.folder.path();
        let source: Result<Box<dyn Source>> = match self.case.kind {
            Kind::Csv => {
                let config = json!({ "path": "out/*.csv", "types": types });
                CsvSource::open(&serde_json::from_value(config).unwrap(), base)
                    .map(|source| Box::new(source) as _)
            }
            Kind::Jsonl => {
                let config = json!({ "path": "out/*.jsonl", "types": types, "infer_rows": 0 });
                JsonlSource::open(&serde_json::from_value(config).unwrap(), base)
                    .map(|source| Box::new(source) as _)
            }
            Kind::Parquet => {
                let config = json!({ "path": "out/*.parquet" });
                ParquetSource::open(&serde_json::from_value(config).unwrap(), base)
                    .map(|source| Box::new(source) as _)
            }
            Kind::Sqlite => panic!("is a database"),
        };
        let source = match source {
            Ok(source) => source,
            Err(ConnectError::NoFiles { .. }) => return Vec::new(),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(source.schema(), schema());
        let mut all = Vec::new();
        for split in source.splits(None).await.unwrap() {
            let mut batches = source.read(&split, 100).unwrap();
            while let Some(batch) = batches.next().await {
                let batch = batch.unwrap();
                assert_eq!(batch.bad_records, []);
                let ids = batch.batch.column(0).as_primitive::<Int64Type>();
                let texts = batch.batch.column(1).as_string::<i32>();
                let read = ids.iter().zip(texts);
                all.extend(read.map(|(id, text)| (id.unwrap(), text.unwrap().to_owned())));
            }
        }
        all
    }

    /// Everything that a reader sees, to the byte; of a table, its rows in their order.
    async fn content(&self) -> BTreeMap<String, Vec<u8>> {
        if self.case.is_files() {
            let files = std::fs::read_dir(self.out()).unwrap().map(|entry| entry.unwrap().path());
            files.filter(|path| path.is_file()).map(|path| (name(&path), read(&path))).collect()
        } else {
            let mut connection = self.connect().await;
            let found = connection.fetch_all("SELECT id, text FROM t").await.unwrap();
            let found: Rows = found.iter().map(|row| (row.get(0), row.get(1))).collect();
            let commits = connection.fetch_all("SELECT run, rows FROM _wasmill_commits").await;
            let commits: Vec<(String, i64)> =
                commits.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
            let content = [("rows", format!("{found:?}")), ("commits", format!("{commits:?}"))];
            content.map(|(name, text)| (name.to_owned(), text.into_bytes())).into()
        }
    }

    /// The names of all files that are staged, of any run.
    fn staged(&self) -> Vec<String> {
        let folder = if self.case.is_files() {
            self.out().join(".wasmill")
        } else {
            self.folder.path().join("scratch")
        };
        let Ok(runs) = std::fs::read_dir(folder) else { return Vec::new() };
        let files = runs.flat_map(|run| std::fs::read_dir(run.unwrap().path()).unwrap());
        let mut names: Vec<String> = files.map(|file| name(&file.unwrap().path())).collect();
        names.sort();
        names
    }
}

fn open(case: Case, base: &Path) -> Arc<dyn Sink> {
    let mode = format!("{:?}", case.mode).to_lowercase();
    let files = json!({ "path": "out", "mode": mode });
    match case.kind {
        Kind::Parquet => {
            Arc::new(FileSink::parquet(&serde_json::from_value(files).unwrap(), base).unwrap())
        }
        Kind::Csv => {
            Arc::new(FileSink::csv(&serde_json::from_value(files).unwrap(), base).unwrap())
        }
        Kind::Jsonl => {
            Arc::new(FileSink::jsonl(&serde_json::from_value(files).unwrap(), base).unwrap())
        }
        Kind::Sqlite => {
            let key: &[&str] = if case.mode == Mode::Merge { &["id"] } else { &[] };
            let config = json!({ "path": "out.db", "table": "t", "mode": mode, "key": key });
            Arc::new(SqliteSink::new(&serde_json::from_value(config).unwrap(), base).unwrap())
        }
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

/// Of a report, what is the same in every folder.
fn told(report: &CommitReport) -> (u64, u64, Vec<String>) {
    (report.rows, report.bytes, report.files.iter().map(|file| name(file)).collect())
}

#[tokio::test]
async fn a_commit_shows_the_rows_of_its_parts_and_no_others() {
    for case in cases() {
        let target = Target::new(case).await;
        assert_eq!(target.rows().await, rows(OLD), "{case:?}");
        let parts = target.stage_run();
        assert_eq!(target.rows().await, rows(OLD), "{case:?}: what is staged does not show");
        let report = target.commit("run-1", &parts).await.unwrap();
        assert_eq!(report.rows, 3);
        assert_eq!(target.rows().await, target.expected(Publish::AsConfigured), "{case:?}");
        target.sink.sweep("run-1", &[]).unwrap();
        assert_eq!(target.rows().await, target.expected(Publish::AsConfigured), "{case:?}");
    }
}

#[tokio::test]
async fn rows_that_are_added_leave_what_is_there() {
    for case in cases() {
        let target = Target::new(case).await;
        let parts = target.stage_run();
        for _ in 0..2 {
            let committed = target.sink.commit(schema(), "run-1", &parts, Publish::Added).await;
            assert_eq!(committed.unwrap().rows, 3);
            assert_eq!(target.rows().await, target.expected(Publish::Added), "{case:?}");
            target.sink.sweep("run-1", &[]).unwrap();
        }
        // Without rows nothing is added, not even a file that shows the columns.
        let content = target.content().await;
        let empty = target.stage("run-2", "a-00000", "x", &[]);
        target.sink.commit(schema(), "run-2", &[empty], Publish::Added).await.unwrap();
        assert_eq!(target.rows().await, target.expected(Publish::Added), "{case:?}");
        assert!(!case.is_files() || target.content().await == content, "{case:?}");
    }
}

#[tokio::test]
async fn a_commit_that_is_repeated_changes_nothing() {
    for case in cases() {
        let mut target = Target::new(case).await;
        let parts = target.stage_run();
        let report = target.commit("run-1", &parts).await.unwrap();
        let content = target.content().await;
        for sweep in [false, true, true] {
            target.reopen();
            assert_eq!(target.commit("run-1", &parts).await.unwrap(), report, "{case:?}");
            assert_eq!(target.content().await, content, "{case:?}");
            if sweep {
                target.sink.sweep("run-1", &[]).unwrap();
                std::fs::remove_dir_all(target.folder.path().join("scratch")).ok();
            }
        }
    }
}

#[tokio::test]
async fn a_commit_that_comes_late_takes_nothing_from_later_runs() {
    for case in cases() {
        let target = Target::new(case).await;
        let parts = target.stage_run();
        target.commit("run-1", &parts).await.unwrap();
        target.sink.sweep("run-1", &[]).unwrap();
        let added = target.stage("run-2", "a-00000", "x", &[(7, "added")]);
        target.sink.commit(schema(), "run-2", &[added], Publish::Added).await.unwrap();
        let content = target.content().await;
        assert!(target.rows().await.contains(&(7, "added".to_owned())), "{case:?}");
        target.commit("run-1", &parts).await.unwrap();
        assert_eq!(target.content().await, content, "{case:?}");

        let next = target.stage("run-3", "a-00000", "x", &[(8, "next")]);
        target.commit("run-3", &[next]).await.unwrap();
        let content = target.content().await;
        // Whose files were replaced since, there is nothing to publish.
        let replaced = case.is_files() && case.mode == Mode::Replace;
        assert_eq!(target.commit("run-1", &parts).await.is_err(), replaced, "{case:?}");
        assert_eq!(target.content().await, content, "{case:?}");
    }
}

#[tokio::test]
async fn a_crash_anywhere_in_commit_or_sweep_is_made_good_by_doing_it_again() {
    for case in cases() {
        let target = Target::new(case).await;
        let parts = target.stage_run();
        let report = told(&target.commit("run-1", &parts).await.unwrap());
        target.sink.sweep("run-1", &[]).unwrap();
        let content = target.content().await;
        let mut deaths = BTreeMap::new();
        for (point, _) in crash::POINTS {
            for time in 1.. {
                let mut target = Target::new(case).await;
                let parts = target.stage_run();
                if !target.dies(&format!("{point}#{time}"), &parts).await {
                    break;
                }
                deaths.entry(*point).and_modify(|deaths| *deaths += 1).or_insert(1);
                // The next process sweeps what does not count before it goes on, and dies too, and so does one more.
                for next in ["mid-sweep", "mid-replace", "mid-commit"] {
                    target.reopen();
                    target.sink.sweep("run-1", &parts).unwrap();
                    target.dies(next, &parts).await;
                }
                target.reopen();
                let again = target.commit("run-1", &parts).await.unwrap();
                target.sink.sweep("run-1", &[]).unwrap();
                let what = format!("{case:?}, died at {point}#{time}");
                assert_eq!(told(&again), report, "{what}");
                assert_eq!(target.content().await, content, "{what}");
                assert!(!case.is_files() || target.staged().is_empty(), "{what}");
            }
        }
        // After each of two renames; after publishing and after the one older file; after each of two attempts that do not count.
        let expected: &[(&str, i32)] = match (case.is_files(), case.mode) {
            (true, Mode::Replace) => &[("mid-commit", 2), ("mid-replace", 2), ("mid-sweep", 2)],
            (true, _) => &[("mid-commit", 2), ("mid-sweep", 2)],
            (false, _) => &[("mid-commit", 1)],
        };
        assert_eq!(deaths, expected.iter().copied().collect(), "{case:?}");
    }
}

#[tokio::test]
async fn a_sweep_keeps_what_it_is_told_to_keep() {
    for case in cases() {
        let target = Target::new(case).await;
        let other = target.stage("run-2", "a-00000", "other", FIRST);
        let parts = target.stage_run();
        let runs = target.sink.staged_runs().unwrap();
        let expected: &[&str] = if case.is_files() { &["run-1", "run-2"] } else { &[] };
        assert_eq!(runs, expected, "{case:?}");
        for _ in 0..2 {
            target.sink.sweep("run-1", &parts[1..]).unwrap();
            parts[1].verify().unwrap();
            assert_eq!(parts[0].verify().is_err(), case.is_files(), "{case:?}");
        }
        for _ in 0..2 {
            target.sink.sweep("run-1", &[]).unwrap();
            other.verify().unwrap();
        }
        assert!(!target.sink.staged_runs().unwrap().contains(&"run-1".to_owned()));
        assert_eq!(target.rows().await, rows(OLD), "{case:?}");
        target.sink.sweep("run-2", &[]).unwrap();
        // Nothing is left behind: not even the folder.
        assert!(!target.out().join(".wasmill").exists(), "{case:?}");
    }
}

/// Commits and sweeps `run-1` in two processes at once, as far as threads are that.
async fn commit_twice(target: &Target, parts: &[StagedPart]) -> [CommitReport; 2] {
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let processes = [0, 1].map(|_| {
        let (sink, parts) = (open(target.case, target.folder.path()), parts.to_vec());
        let barrier = Arc::clone(&barrier);
        tokio::spawn(async move {
            barrier.wait();
            let report = sink.commit(schema(), "run-1", &parts, Publish::AsConfigured).await;
            sink.sweep("run-1", &[]).unwrap();
            report.unwrap()
        })
    });
    let [one, other] = processes;
    [one.await.unwrap(), other.await.unwrap()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_commit_the_same_run_do_it_once() {
    for case in cases() {
        for _ in 0..5 {
            let target = Target::new(case).await;
            let parts = target.stage_run();
            let [one, other] = commit_twice(&target, &parts).await;
            assert_eq!(one, other, "{case:?}");
            assert_eq!(target.rows().await, target.expected(Publish::AsConfigured), "{case:?}");
        }
    }
}

/// With many files, each finds some that the other has just published.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_the_files_of_a_commit() {
    for _ in 0..10 {
        let target = Target::new(FILES).await;
        let parts: Vec<StagedPart> = (0..40)
            .map(|index| target.stage("run-1", &format!("a-{index:05}"), "x", &[(index, "new")]))
            .collect();
        let [one, other] = commit_twice(&target, &parts).await;
        assert_eq!(one, other);
        let expected: Rows = (0..40).map(|index| (index, "new".to_owned())).collect();
        assert_eq!(target.rows().await, expected);
    }
}

#[tokio::test]
async fn an_empty_result_is_one_too() {
    for case in cases() {
        let old = if case.mode == Mode::Replace { rows(&[]) } else { rows(OLD) };
        let target = Target::new(case).await;
        let parts = ["a-00000", "a-00001"].map(|stem| target.stage("run-1", stem, "x", &[]));
        let report = target.commit("run-1", &parts).await.unwrap();
        assert_eq!((report.rows, report.files.len()), (0, usize::from(case.is_files())));
        // Reading it compares the columns too, but for JSON lines, which have none.
        assert_eq!(target.rows().await, old, "{case:?}");
        // A run without any split.
        let target = Target::new(case).await;
        let report = target.commit("run-1", &[]).await.unwrap();
        assert_eq!((report.rows, report.files.len()), (0, 0));
        assert_eq!(target.rows().await, old, "{case:?}");
    }
}

#[tokio::test]
async fn a_part_that_is_damaged_is_refused_before_anything_is_published() {
    for case in cases() {
        let target = Target::new(case).await;
        let parts = target.stage_run();
        let content = target.content().await;
        let path = &parts[1].path;
        let intact = read(path);
        let damages: [(&str, &dyn Fn()); 3] = [
            ("it was staged, and is gone", &|| std::fs::remove_file(path).unwrap()),
            ("bytes, it was staged with", &|| {
                std::fs::write(path, &intact[..intact.len() - 1]).unwrap();
            }),
            ("its checksum is", &|| {
                let mut bytes = intact.clone();
                *bytes.last_mut().unwrap() ^= 1;
                std::fs::write(path, bytes).unwrap();
            }),
        ];
        for (message, damage) in damages {
            damage();
            let verified = parts[1].verify().unwrap_err();
            assert!(verified.to_string().contains(message), "{verified}");
            parts[0].verify().unwrap();
            // Files are only looked at, and not read once more.
            if !(case.is_files() && message.starts_with("its checksum")) {
                let refused = target.commit("run-1", &parts).await.unwrap_err();
                assert!(refused.to_string().contains(message), "{case:?}: {refused}");
                assert!(refused.to_string().contains(&name(path)), "{case:?}: {refused}");
                assert!(!refused.is_chance());
                assert_eq!(target.content().await, content, "{case:?}");
            }
            std::fs::write(path, &intact).unwrap();
        }
        // Nothing was lost.
        target.commit("run-1", &parts).await.unwrap();
        assert_eq!(target.rows().await, target.expected(Publish::AsConfigured), "{case:?}");
    }
}

#[tokio::test]
async fn what_is_not_finished_is_removed() {
    for case in cases() {
        let target = Target::new(case).await;
        let before = target.staged();
        let mut writer = target.writer("run-1", "a-00000", "x");
        writer.write(&batch(FIRST)).unwrap();
        assert_eq!(target.staged().len(), before.len() + 1, "{case:?}");
        drop(writer);
        assert_eq!(target.staged(), before, "{case:?}");
        // The attempt can have the same name again.
        target.stage("run-1", "a-00000", "x", FIRST);
    }
}

#[tokio::test]
async fn a_check_changes_nothing_and_can_be_made_by_many_at_once() {
    for case in cases() {
        let target = Target::new(case).await;
        let content = target.content().await;
        let checks = (0..20).map(|_| {
            let sink = open(case, target.folder.path());
            tokio::spawn(async move { sink.check(schema()).await.unwrap() })
        });
        futures::future::try_join_all(checks).await.unwrap();
        assert_eq!(target.content().await, content, "{case:?}");
        let guarantee = if case.is_files() { Guarantee::FileByFile } else { Guarantee::AtOnce };
        assert_eq!(target.sink.guarantee(), guarantee);
        assert!(guarantee.to_string().starts_with("exactly once"));
    }
}

const FILES: Case = Case { kind: Kind::Jsonl, mode: Mode::Replace };
const TABLE: Case = Case { kind: Kind::Sqlite, mode: Mode::Append };

#[tokio::test]
async fn files_are_not_published_where_the_folder_has_vanished() {
    let target = Target::new(FILES).await;
    let parts = target.stage_run();
    let elsewhere = target.folder.path().join("elsewhere");
    std::fs::rename(target.out(), &elsewhere).unwrap();
    let error = target.commit("run-1", &parts).await.unwrap_err();
    let out = target.out().display().to_string();
    assert_eq!(error.to_string(), format!("cannot publish: there is no folder {out}"));
    assert!(!error.is_chance());
    assert!(!target.out().exists(), "nor is it made again, without what was staged in it");
    std::fs::rename(elsewhere, target.out()).unwrap();
    target.commit("run-1", &parts).await.unwrap();
    assert_eq!(target.rows().await, target.expected(Publish::AsConfigured));
}

#[tokio::test]
async fn files_are_published_where_the_folder_has_moved_to() {
    let target = Target::new(FILES).await;
    let mut parts = target.stage_run();
    // As seen from another folder, or another machine.
    for part in &mut parts {
        part.path = Path::new("out/.wasmill/run-1").join(part.path.file_name().unwrap());
    }
    target.commit("run-1", &parts).await.unwrap();
    assert_eq!(target.rows().await, target.expected(Publish::AsConfigured));
}

#[tokio::test]
async fn a_file_of_somebody_else_is_not_overwritten() {
    let target = Target::new(FILES).await;
    let parts = target.stage_run();
    let theirs = target.out().join("part-run-1-a-00001.jsonl");
    std::fs::write(&theirs, "{\"id\":5,\"text\":\"theirs\"}\n").unwrap();
    let content = target.content().await;
    let error = target.commit("run-1", &parts).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("{}: a file of", theirs.display())), "{error}");
    assert!(!error.is_chance());
    assert_eq!(target.content().await, content);
    std::fs::remove_file(theirs).unwrap();
    target.commit("run-1", &parts).await.unwrap();
    assert_eq!(target.rows().await, target.expected(Publish::AsConfigured));
}

#[tokio::test]
async fn a_database_that_vanished_is_made_again_and_has_the_rows_once() {
    let target = Target::new(TABLE).await;
    let parts = target.stage_run();
    std::fs::remove_file(target.database()).unwrap();
    for _ in 0..2 {
        target.commit("run-1", &parts).await.unwrap();
        assert_eq!(target.rows().await, rows(&[(2, "new"), (3, "new"), (4, "new")]));
    }
}

#[tokio::test]
async fn a_commit_waits_for_others_who_write() {
    let target = Target::new(TABLE).await;
    let parts = target.stage_run();
    let mut other = target.connect().await;
    let transaction = other.begin_with("BEGIN EXCLUSIVE").await.unwrap();
    let commit = target.commit("run-1", &parts);
    let release = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        transaction.rollback().await.unwrap();
    };
    let (committed, ()) = futures::join!(commit, release);
    committed.unwrap();
    assert_eq!(target.rows().await, target.expected(Publish::AsConfigured));
}

#[tokio::test]
async fn commits_that_did_not_tell_their_rows_still_count() {
    let target = Target::new(TABLE).await;
    let parts = target.stage_run();
    let mut connection = target.connect().await;
    for statement in [
        "DROP TABLE _wasmill_commits",
        "CREATE TABLE _wasmill_commits
         (run TEXT NOT NULL, table_name TEXT NOT NULL, PRIMARY KEY (run, table_name))",
        "INSERT INTO _wasmill_commits VALUES ('run-0', 't')",
    ] {
        connection.execute(statement).await.unwrap();
    }
    let old = target.stage("run-0", "a-00000", "again", OLD);
    target.commit("run-0", &[old]).await.unwrap();
    assert_eq!(target.rows().await, rows(OLD));
    target.commit("run-1", &parts).await.unwrap();
    assert_eq!(target.rows().await, target.expected(Publish::AsConfigured));
    let told = connection.fetch_all("SELECT run, rows FROM _wasmill_commits ORDER BY run").await;
    let told: Vec<(String, Option<i64>)> =
        told.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told, [("run-0".to_owned(), None), ("run-1".to_owned(), Some(3))]);
}
