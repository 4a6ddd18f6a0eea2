//! One suite for all sinks: each of them is in one pipeline, which dies at each named point, is gone on with, and then shows what a run
//! shows that was left alone: the same files with the same bytes, the same rows.
//!
//! The laws of each sink by itself, damage and races included, are in `host/connect/tests/`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Row as _};
use wasmill_tests::chaos::outputs::block_on;
use wasmill_tests::object_store::ObjectStore;
use wasmill_tests::workspace::{Workspace, is_hidden};

const FOLDERS: [(&str, &str); 6] = [
    ("parquet", "append"),
    ("parquet", "replace"),
    ("csv", "append"),
    ("csv", "replace"),
    ("jsonl", "append"),
    ("jsonl", "replace"),
];
const TABLES: [&str; 3] = ["append", "replace", "merge"];

/// A folder with a pipeline into all sinks, after a first run that was left alone.
struct Place {
    workspace: Workspace,
    store: ObjectStore,
}

/// What all sinks show.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    files: BTreeMap<String, Vec<u8>>,
    tables: BTreeMap<String, Vec<String>>,
    /// Of each run, the lines that the store shows.
    store: BTreeMap<String, Vec<String>>,
}

impl Place {
    fn new() -> Self {
        let place = Self { workspace: Workspace::new(), store: ObjectStore::start(0) };
        place.input(0);
        let mut sections = format!(
            "workers = 1\n[connections.target]\nurl = \"{}\"\n\
             [sources.orders]\ntype = \"csv\"\npath = \"in/*.csv\"\ntypes = {{ id = \"int64\" }}\n\
             [sinks.store]\nplugin = \"keeper\"\ninputs = [\"orders\"]\n\
             config = {{ store = \"target\" }}\ngrants = {{ http = [\"target\"] }}\n",
            place.store.url
        );
        for (format, mode) in FOLDERS {
            write!(
                sections,
                "[sinks.{format}-{mode}]\ntype = \"{format}\"\ninputs = [\"orders\"]\n\
                 path = \"out/{format}-{mode}\"\nmode = \"{mode}\"\n"
            )
            .expect("a text takes it");
        }
        for mode in TABLES {
            let key = if mode == "merge" { "key = [\"id\"]\n" } else { "" };
            write!(
                sections,
                "[sinks.table-{mode}]\ntype = \"sqlite\"\ninputs = [\"orders\"]\n\
                 path = \"out.db\"\ntable = \"{mode}\"\nmode = \"{mode}\"\n{key}"
            )
            .expect("a text takes it");
        }
        place.workspace.pipeline(&sections);
        place.runs(&["--run-id", "first"]);
        place.input(100);
        place
    }

    /// Two files, of which each makes a split. Half of the ids come again in the second run.
    fn input(&self, first: usize) {
        for file in 0..2 {
            let rows = (0..100).map(|row| first + file * 100 + row);
            let rows: String = rows.map(|id| format!("{id},name of {id}\n")).collect();
            self.workspace.write(&format!("in/{file}.csv"), format!("id,name\n{rows}"));
        }
    }

    fn runs(&self, options: &[&str]) {
        let arguments = [&["run", "pipeline.toml"], options].concat();
        let outcome = self.workspace.wasmill(&arguments);
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    }

    /// Whether the second run came to the point, and died there.
    fn dies_at(&self, point: &str) -> bool {
        let arguments = ["run", "pipeline.toml", "--run-id", "second"];
        let outcome = self.workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", point)]);
        match outcome.code {
            None => true,
            Some(0) => false,
            Some(_) => panic!("{point}: {outcome:#?}"),
        }
    }

    fn shown(&self) -> Shown {
        let folder = self.workspace.path("out");
        let all = self.workspace.files("out").into_iter();
        let files = all
            .map(|file| (file.strip_prefix(&folder).expect("below it").to_owned(), file))
            .filter(|(name, _)| !is_hidden(name))
            .map(|(name, file)| (name.display().to_string(), std::fs::read(file).expect("a file")))
            .collect();
        let objects = self.store.objects();
        let lists =
            objects.iter().filter_map(|(key, list)| Some((key.strip_prefix("/committed/")?, list)));
        let store = lists.map(|(run, list)| {
            let mut lines: Vec<String> =
                list.lines().flat_map(|key| objects[key].lines()).map(str::to_owned).collect();
            lines.sort();
            (run.to_owned(), lines)
        });
        Shown { files, tables: self.tables(), store: store.collect() }
    }

    fn tables(&self) -> BTreeMap<String, Vec<String>> {
        let path = self.workspace.path("out.db");
        block_on(async {
            let mut connection =
                SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap();
            let mut tables = BTreeMap::new();
            for (mode, query) in [
                ("append", "SELECT id, name FROM \"append\" ORDER BY rowid"),
                ("replace", "SELECT id, name FROM \"replace\" ORDER BY rowid"),
                ("merge", "SELECT id, name FROM \"merge\" ORDER BY id"),
            ] {
                let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
                let row = |row: &SqliteRow| {
                    format!("{} {}", row.get::<i64, _>(0), row.get::<String, _>(1))
                };
                tables.insert(mode.to_owned(), rows.iter().map(row).collect());
            }
            tables
        })
    }

    /// What is left that nobody needs: staged files, and scratch.
    fn left(&self) -> Vec<String> {
        let all =
            self.workspace.files("out").into_iter().chain(self.workspace.files(".wasmill/runs"));
        let staged = all.filter(|file| file.iter().any(|part| part == ".wasmill"));
        staged.map(|file| file.display().to_string()).collect()
    }
}

/// What two runs show that were left alone.
fn reference() -> Shown {
    let place = Place::new();
    place.runs(&["--run-id", "second"]);
    assert_eq!(place.left(), Vec::<String>::new());
    let shown = place.shown();
    let lengths = |name: &str| shown.tables[name].len();
    assert_eq!((lengths("append"), lengths("replace"), lengths("merge")), (400, 200, 300));
    let files = |prefix: &str| shown.files.keys().filter(|name| name.starts_with(prefix)).count();
    assert_eq!((files("parquet-append"), files("parquet-replace")), (4, 2));
    assert_eq!(shown.store.values().map(Vec::len).sum::<usize>(), 400);
    shown
}

/// The second run dies at the N-th time that it comes to the point, for each N; returns how often it comes there.
fn survives(point: &str) -> usize {
    let reference = reference();
    for number in 1.. {
        let place = Place::new();
        let at = format!("{point}#{number}");
        if !place.dies_at(&at) {
            assert_eq!(place.shown(), reference, "left alone, but for {at}");
            return number - 1;
        }
        place.runs(&["--resume", "second"]);
        assert_eq!(place.shown(), reference, "after a crash at {at}");
        assert_eq!(place.left(), Vec::<String>::new(), "after a crash at {at}");
        let runs = place.workspace.wasmill(&["runs", "list", "--output", "json"]).events();
        let statuses: Vec<&Value> = runs.iter().map(|run| &run["status"]).collect();
        assert_eq!(statuses, ["succeeded", "succeeded"], "after a crash at {at}");
    }
    unreachable!("a run comes to an end")
}

#[test]
fn while_splits_are_worked_on() {
    assert_eq!(survives("after-stage"), 2, "once for each split");
    assert_eq!(survives("before-manifest"), 2);
    assert_eq!(survives("after-manifest"), 2);
}

#[test]
fn around_the_commit() {
    for point in ["before-commit", "commit-begun", "before-end", "mid-sweep"] {
        assert!(survives(point) >= 1, "{point}");
    }
}

#[test]
fn within_the_commit_of_each_sink() {
    let reached = survives("mid-commit");
    // A file for each split and folder, a transaction for each table, and the loader.
    assert_eq!(reached, 2 * FOLDERS.len() + TABLES.len() + 1);
}

#[test]
fn while_older_files_are_removed() {
    let replaced = FOLDERS.iter().filter(|(_, mode)| *mode == "replace").count();
    assert!(survives("mid-replace") >= 3 * replaced, "before, and after each of two files");
}

#[test]
fn between_a_commit_and_its_note() {
    assert_eq!(survives("after-commit"), FOLDERS.len() + TABLES.len() + 1, "once for each sink");
}

/// A run that died while it published is finished by the next one, before that reads anything.
#[test]
fn the_next_run_finishes_what_was_begun() {
    let place = Place::new();
    assert!(place.dies_at("after-commit#4"));
    let outcome =
        place.workspace.wasmill(&["run", "pipeline.toml", "--run-id", "third", "--output", "json"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let events = outcome.events();
    let place_of = |name: &str| events.iter().position(|event| event["event"] == name);
    assert!(place_of("run.finished.earlier") < place_of("run.started"), "{outcome:#?}");
    assert!(place_of("run.finished.earlier").is_some(), "{outcome:#?}");
    let shown = place.shown();
    // Of three runs, of which the last two have the same input.
    assert_eq!(shown.tables["append"].len(), 600);
    assert_eq!(shown.tables["replace"].len(), 200);
    assert_eq!(shown.tables["merge"].len(), 300);
    assert_eq!(shown.store.keys().collect::<Vec<_>>(), ["first", "second", "third"]);
    assert_eq!(place.left(), Vec::<String>::new());
}
