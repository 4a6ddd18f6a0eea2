//! A sick environment: full disks, targets that cannot be written or are gone, sources that change, clocks that step, signals, two
//! processes at once, ledgers that are old or broken.
//!
//! Each test is made of real processes, and ends with the run resumed and everything there once, or refused for a good reason.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use wasmill_tests::chaos::outputs::block_on;
use wasmill_tests::faketime;
use wasmill_tests::process::{End, Ended, Process};
use wasmill_tests::tmpfs::Tmpfs;
use wasmill_tests::workspace::{Outcome, Workspace, is_hidden};

/// The rows of each of two files, and the splits that they make.
const ROWS: usize = 2_000;
const SOURCE: &str = "[sources.orders]\ntype = \"csv\"\npath = \"in/*.csv\"\n\
                      types = { id = \"int64\" }\nsplit_bytes = \"8KiB\"\n";
const HEADER: &str = "id,name,note\n";
/// The command that most tests begin with, and the one they end with.
const RUN: [&str; 4] = ["run", "pipeline.toml", "--run-id", "r1"];
const RESUME: [&str; 4] = ["run", "pipeline.toml", "--resume", "r1"];
/// Nothing here takes longer, unless it hangs.
const LIMIT: Duration = Duration::from_secs(120);

/// A pipeline from two files to one sink, and a small disk for a part of it.
struct Place {
    workspace: Workspace,
    disk: Tmpfs,
}

impl Place {
    /// With a disk of so many KiB.
    fn new(kibibytes: u32) -> Self {
        Self { workspace: orders(), disk: Tmpfs::new(kibibytes) }
    }

    /// Writes the pipeline file; `DISK` in it is where the disk is.
    fn pipeline(&self, sections: &str) {
        let disk = self.disk.path().display().to_string();
        self.workspace.pipeline(&sections.replace("DISK", &disk));
    }

    fn wasmill(&self, arguments: &[&str]) -> Outcome {
        let command = &mut self.workspace.command_with(&self.disk, arguments);
        Outcome::new(&command.output().expect("the binary runs"))
    }

    fn dies_at(&self, point: &str, arguments: &[&str]) {
        let mut command = self.workspace.command_with(&self.disk, arguments);
        dies_at(&mut command, point);
    }

    /// The status of the run, as whoever asks is told.
    fn status(&self) -> String {
        let outcome = self.wasmill(&["runs", "show", "r1", "--output", "json"]);
        outcome.events()[0]["run"]["status"].as_str().expect("a status").to_owned()
    }
}

/// A folder with the two files.
fn orders() -> Workspace {
    let workspace = Workspace::new();
    for (file, first) in [("in/a.csv", 0), ("in/b.csv", ROWS)] {
        let rows: String = (first..first + ROWS).map(|id| row(id) + "\n").collect();
        workspace.write(file, format!("{HEADER}{rows}"));
    }
    workspace
}

fn row(id: usize) -> String {
    format!("{id},customer {},what somebody said of order {id}", id % 97)
}

/// The rows of both files.
fn all_rows() -> Vec<String> {
    sorted((0..2 * ROWS).map(row).collect())
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

/// The rows of the files that a sink has published to a folder; none where there is no folder.
fn published(folder: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a readable folder").path();
        if path.is_file() && !is_hidden(Path::new(path.file_name().expect("a name"))) {
            let text = std::fs::read_to_string(&path).expect("text");
            let (header, rest) = text.split_at(HEADER.len());
            assert_eq!(header, HEADER, "{}", path.display());
            rows.extend(rest.lines().map(str::to_owned));
        }
    }
    sorted(rows)
}

fn csv_sink(path: &str) -> String {
    format!("[sinks.out]\ntype = \"csv\"\ninputs = [\"orders\"]\npath = \"{path}\"\n")
}

fn sqlite_sink(path: &str) -> String {
    format!(
        "[sinks.out]\ntype = \"sqlite\"\ninputs = [\"orders\"]\npath = \"{path}\"\ntable = \"orders\"\nmode = \"append\"\n"
    )
}

/// Runs a command that kills itself at a named point.
fn dies_at(command: &mut Command, point: &str) {
    let output = command.env("WASMILL_CRASH_AT", point).output().expect("the binary runs");
    let outcome = Outcome::new(&output);
    assert_eq!(outcome.code, None, "it does not come to {point}: {outcome:#?}");
}

fn assert_ended(outcome: &Outcome, codes: &[i32], says: &[&str]) {
    assert!(outcome.code.is_some_and(|code| codes.contains(&code)), "not {codes:?}: {outcome:#?}");
    for part in says {
        assert!(outcome.stderr.contains(part), "{part:?} is not said: {outcome:#?}");
    }
}

fn assert_done(outcome: &Outcome) {
    assert_ended(outcome, &[0], &[]);
}

/// What `wasmill runs show` tells of the run.
fn shown(workspace: &Workspace, run: &str) -> Value {
    let outcome = workspace.wasmill(&["runs", "show", run, "--output", "json"]);
    assert_done(&outcome);
    outcome.events().swap_remove(0)
}

/// How many splits are accepted, and how many attempts all splits took.
fn progress(shown: &Value) -> (usize, u64) {
    let splits = shown["splits"].as_array().expect("a list of splits");
    let accepted = splits.iter().filter(|split| split["accepted"] == true).count();
    (accepted, splits.iter().map(|split| split["attempts"].as_u64().expect("a number")).sum())
}

// ---- Full disks --------------------------------------------------------------------------------------------

#[test]
fn a_disk_that_is_full_while_rows_are_staged() {
    let place = Place::new(64);
    place.pipeline(&[SOURCE, &csv_sink("DISK/out")].concat());
    assert_ended(&place.wasmill(&RUN), &[74], &["No space left on device", "--resume r1"]);
    assert_eq!(place.status(), "failed");
    let out = place.disk.outside("out");
    assert_eq!(published(&out), Vec::<String>::new(), "nothing is published");
    // Again, as long as nobody makes room.
    assert_ended(&place.wasmill(&RESUME), &[74], &["No space left on device"]);
    place.disk.resize(4096);
    assert_done(&place.wasmill(&RESUME));
    assert_eq!(published(&out), all_rows());
}

#[test]
fn a_disk_that_is_full_while_manifests_are_written() {
    let place = Place::new(4096);
    place.pipeline(&format!(
        "ledger = \"sqlite://DISK/ledger.db\"\nworkers = 1\n{SOURCE}{}",
        csv_sink("out")
    ));
    // The run is entered and planned; then there is room for some manifests only.
    place.dies_at("before-manifest", &RUN);
    place.disk.fill("filler", 48);
    assert_ended(&place.wasmill(&RESUME), &[74], &["ledger", "full"]);
    let out = place.workspace.path("out");
    assert_eq!(published(&out), Vec::<String>::new(), "nothing is published");
    std::fs::remove_file(place.disk.outside("filler")).expect("the filler");
    assert_done(&place.wasmill(&RESUME));
    assert_eq!(published(&out), all_rows());
    assert_eq!(place.status(), "succeeded");
}

#[test]
fn a_disk_that_is_full_while_sinks_are_published() {
    let place = Place::new(64);
    place.pipeline(&[SOURCE, &sqlite_sink("DISK/out.db")].concat());
    assert_ended(&place.wasmill(&RUN), &[74], &["full", "--resume r1"]);
    let database = place.disk.outside("out.db");
    assert_eq!(table(&database), Vec::<String>::new(), "all or nothing");
    place.disk.resize(4096);
    assert_done(&place.wasmill(&RESUME));
    assert_eq!(table(&database), all_rows());
    // Once more changes nothing.
    assert_done(&place.wasmill(&RESUME));
    assert_eq!(table(&database), all_rows());
}

// ---- Targets -----------------------------------------------------------------------------------------------

#[test]
fn a_target_that_became_read_only() {
    let place = Place::new(4096);
    place.pipeline(&[SOURCE, &csv_sink("DISK/out")].concat());
    place.dies_at("before-commit", &RUN);
    place.disk.set_read_only(true);
    let outcome = place.wasmill(&RESUME);
    let out = place.disk.path().join("out").display().to_string();
    assert_ended(&outcome, &[74, 78], &["Read-only file system", &out]);
    let out = place.disk.outside("out");
    assert_eq!(published(&out), Vec::<String>::new());
    place.disk.set_read_only(false);
    assert_done(&place.wasmill(&RESUME));
    assert_eq!(published(&out), all_rows());
}

/// The staged rows are gone with the target: they are made again.
#[test]
fn a_target_that_vanished_before_the_commit() {
    let workspace = orders();
    workspace.pipeline(&[SOURCE, &csv_sink("out")].concat());
    dies_at(&mut workspace.command(&RUN), "before-commit");
    std::fs::remove_dir_all(workspace.path("out")).expect("the target");
    assert_done(&workspace.wasmill(&RESUME));
    assert_eq!(published(&workspace.path("out")), all_rows());
}

/// The rows of the table, as in the files; none where there is no table.
fn table(database: &Path) -> Vec<String> {
    let read = async {
        let mut connection = open(database).await?;
        let exists = "SELECT count(*) FROM sqlite_master WHERE name = 'orders'";
        let exists: i64 = sqlx::query_scalar(exists).fetch_one(&mut connection).await?;
        if exists == 0 {
            return Ok(Vec::new());
        }
        let rows = "SELECT id || ',' || name || ',' || note FROM orders";
        sqlx::query_scalar(rows).fetch_all(&mut connection).await
    };
    let rows: Result<Vec<String>, sqlx::Error> = block_on(read);
    sorted(rows.unwrap_or_else(|error| panic!("{}: {error}", database.display())))
}

async fn open(database: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(database).create_if_missing(true).connect().await
}

/// Holds the database for itself while `work` is done.
fn while_locked<T>(database: &Path, work: impl FnOnce() -> T) -> T {
    block_on(async {
        let mut connection = open(database).await.expect("a database");
        let statements =
            "CREATE TABLE IF NOT EXISTS other (a); BEGIN IMMEDIATE; INSERT INTO other VALUES (1)";
        sqlx::raw_sql(statements).execute(&mut connection).await.expect("a lock");
        let result = work();
        sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.expect("the lock is ours");
        result
    })
}

#[test]
fn a_database_that_is_locked_for_a_while_is_waited_for() {
    let workspace = orders();
    workspace.pipeline(&[SOURCE, &sqlite_sink("out.db")].concat());
    let database = workspace.path("out.db");
    let process = while_locked(&database, || {
        let mut process = start(workspace.command(&RUN), &workspace);
        wait_until("the run commits", || status(&workspace, "r1") == Some("committing".into()));
        std::thread::sleep(Duration::from_millis(500));
        assert!(!process.has_ended(), "it waits");
        process
    });
    assert_done(&wait(process).outcome);
    assert_eq!(table(&database), all_rows());
}

#[test]
fn a_database_that_stays_locked_ends_the_run_for_now() {
    let workspace = orders();
    let once = "[retries.once]\nattempts = 1\n";
    let sink = sqlite_sink("out.db") + "retry = \"once\"\n";
    workspace.pipeline(&[SOURCE, once, &sink].concat());
    let database = workspace.path("out.db");
    let outcome = while_locked(&database, || workspace.wasmill(&RUN));
    assert_ended(&outcome, &[75], &["locked", "--resume r1"]);
    assert_eq!(table(&database), Vec::<String>::new());
    assert_done(&workspace.wasmill(&RESUME));
    assert_eq!(table(&database), all_rows());
}

// ---- Sources that change -----------------------------------------------------------------------------------

/// What happens to the second file.
struct Change {
    how: &'static str,
    make: fn(&Path),
    /// The rows of both files afterwards.
    rows: Vec<String>,
}

fn changes() -> [Change; 4] {
    let with = |second: Vec<String>| sorted((0..ROWS).map(row).chain(second).collect());
    let edited = |text: String| text.replace("somebody", "everyone");
    let second = || (ROWS..2 * ROWS).map(row);
    [
        Change {
            how: "edited",
            make: |file| replace(file, |text| text.replace("somebody", "everyone")),
            rows: with(second().map(edited).collect()),
        },
        Change {
            how: "longer",
            make: |file| replace(file, |text| format!("{text}{}\n", row(9_999))),
            rows: with(second().chain([row(9_999)]).collect()),
        },
        Change {
            how: "shorter",
            make: |file| replace(file, first_500),
            rows: with(second().take(500).collect()),
        },
        Change {
            how: "gone",
            make: |file| std::fs::remove_file(file).expect("the file"),
            rows: with(Vec::new()),
        },
    ]
}

fn replace(file: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(file).expect("text");
    std::fs::write(file, change(text)).expect("a file");
}

fn first_500(text: String) -> String {
    text.lines().take(501).fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").expect("a text takes it");
        text
    })
}

#[test]
fn a_file_that_changes_between_plan_and_partition_is_refused() {
    for Change { how, make, .. } in changes() {
        let workspace = orders();
        workspace.pipeline(&[SOURCE, &csv_sink("out")].concat());
        assert_done(&workspace.wasmill(&["plan", "pipeline.toml", "--run-id", "r1"]));
        make(&workspace.path("in/b.csv"));
        let partition = [&RUN[..], &["--partition", "0/1"]].concat();
        let outcome = workspace.wasmill(&partition);
        assert!([65, 78].contains(&outcome.code.unwrap_or(0)), "{how}: {outcome:#?}");
        assert!(outcome.stderr.contains("b.csv"), "{how}: {outcome:#?}");
        let commit = workspace.wasmill(&["commit", "pipeline.toml", "--run-id", "r1"]);
        assert_ne!(commit.code, Some(0), "{how}: {commit:#?}");
        assert_eq!(published(&workspace.path("out")), Vec::<String>::new(), "{how}");
    }
}

#[test]
fn a_file_that_changes_before_a_run_is_resumed_is_refused_or_accepted() {
    for Change { how, make, rows } in changes() {
        let workspace = orders();
        workspace.pipeline(&["workers = 1\n", SOURCE, &csv_sink("out")].concat());
        dies_at(&mut workspace.command(&RUN), "after-manifest#3");
        make(&workspace.path("in/b.csv"));
        let outcome = workspace.wasmill(&RESUME);
        assert!([65, 78].contains(&outcome.code.unwrap_or(0)), "{how}: {outcome:#?}");
        for part in ["b.csv", "--accept-changes"] {
            assert!(outcome.stderr.contains(part), "{how}: {part}: {outcome:#?}");
        }
        assert_eq!(published(&workspace.path("out")), Vec::<String>::new(), "{how}");
        let outcome = workspace.wasmill(&[&RESUME[..], &["--accept-changes"]].concat());
        assert_eq!(outcome.code, Some(0), "{how}: {outcome:#?}");
        assert_eq!(published(&workspace.path("out")), rows, "{how}");
    }
}

// ---- Clocks ------------------------------------------------------------------------------------------------

/// A day passes in the wrong direction.
fn a_day_before(mut command: Command) -> Outcome {
    faketime::shift(&mut command, "-1d");
    Outcome::new(&command.output().expect("the binary runs"))
}

fn listed(workspace: &Workspace) -> Vec<(String, String)> {
    let runs = workspace.wasmill(&["runs", "list", "--output", "json"]).events();
    let text = |run: &Value, key: &str| run[key].as_str().expect("text").to_owned();
    runs.iter().map(|run| (text(run, "id"), text(run, "status"))).collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect()
}

#[test]
fn a_clock_that_is_set_back_before_a_run_is_resumed() {
    let workspace = orders();
    workspace.pipeline(&["workers = 1\n", SOURCE, &csv_sink("out")].concat());
    dies_at(&mut workspace.command(&RUN), "after-manifest#3");
    let (accepted, _) = progress(&shown(&workspace, "r1"));
    assert_eq!(accepted, 3);
    assert_done(&a_day_before(workspace.command(&RESUME)));
    assert_eq!(published(&workspace.path("out")), all_rows());
    let (accepted, attempts) = progress(&shown(&workspace, "r1"));
    assert_eq!(attempts, accepted as u64, "what was accepted is not repeated");
}

#[test]
fn a_clock_that_is_set_back_between_runs() {
    let workspace = orders();
    workspace.pipeline(&[SOURCE, &csv_sink("out")].concat());
    assert_done(&workspace.wasmill(&RUN));
    let second = ["run", "pipeline.toml", "--run-id", "r2"];
    assert_done(&a_day_before(workspace.command(&second)));
    assert_eq!(listed(&workspace), pairs(&[("r2", "succeeded"), ("r1", "succeeded")]));
    let latest = workspace.wasmill(&["runs", "show", "--output", "json"]).events();
    assert_eq!(latest[0]["run"]["id"], "r2");
    // What replaces, holds the run that came last.
    let files = workspace.files("out");
    let names: Vec<_> = files.iter().map(|file| file.file_name().expect("a name")).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().starts_with("part-r2-")), "{names:?}");
    assert_eq!(published(&workspace.path("out")), all_rows());
}

/// An unfinished run is given up when one that was started later has succeeded, whatever the clock said.
#[test]
fn a_clock_that_is_set_back_does_not_bring_an_old_run_back() {
    let workspace = orders();
    workspace.pipeline(&[SOURCE, &csv_sink("out")].concat());
    dies_at(&mut workspace.command(&RUN), "before-commit");
    let second = ["run", "pipeline.toml", "--run-id", "r2"];
    assert_done(&a_day_before(workspace.command(&second)));
    assert_eq!(listed(&workspace), pairs(&[("r2", "succeeded"), ("r1", "aborted")]));
    let outcome = workspace.wasmill(&RESUME);
    assert_ne!(outcome.code, Some(0), "{outcome:#?}");
    assert!(outcome.stderr.contains("r2"), "it says why: {outcome:#?}");
    assert_eq!(published(&workspace.path("out")), all_rows());
    let hidden = workspace
        .files("out")
        .into_iter()
        .filter(|file| is_hidden(file.strip_prefix(workspace.path("out")).expect("it lies below")));
    assert_eq!(hidden.collect::<Vec<PathBuf>>(), Vec::<PathBuf>::new(), "nothing is left over");
}

// ---- Signals, and two at once ------------------------------------------------------------------------------

/// A pipeline that takes some seconds: so many rows in so many splits.
fn long_pipeline(workspace: &Workspace, rows: u64, splits: u64) {
    workspace.pipeline(&format!(
        "workers = 1\n[sources.orders]\nplugin = \"generator\"\n\
         config = {{ rows = {rows}, splits = {splits} }}\n{}",
        csv_sink("out")
    ));
}

fn start(mut command: Command, workspace: &Workspace) -> Process {
    command.args(["--output", "json"]);
    Process::start(command, &workspace.path("log"))
}

fn wait(process: Process) -> Ended {
    process.wait(None, LIMIT)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LIMIT, "too late: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The status of a run; none before it is entered.
fn status(workspace: &Workspace, run: &str) -> Option<String> {
    let outcome = workspace.wasmill(&["runs", "show", run, "--output", "json"]);
    let line = outcome.stdout.lines().next()?;
    let shown: Value = serde_json::from_str(line).expect("a line of JSON");
    shown["run"]["status"].as_str().map(str::to_owned)
}

/// How many lines have been published, headers not included.
fn lines(workspace: &Workspace) -> usize {
    let files = workspace.files("out").into_iter();
    files.map(|file| std::fs::read_to_string(file).expect("text").lines().count() - 1).sum()
}

#[test]
fn the_first_signal_lets_splits_at_work_end() {
    let workspace = Workspace::new();
    long_pipeline(&workspace, 200_000, 20);
    let process = start(workspace.command(&RUN), &workspace);
    wait_until("a split is accepted", || process.printed().contains("split.accepted"));
    process.terminate();
    let ended = wait(process);
    assert_eq!(ended.end, End::Exited(130), "{ended:#?}");
    assert!(ended.outcome.stdout.contains("--resume r1"), "it says how to go on: {ended:#?}");
    assert_eq!(status(&workspace, "r1"), Some("interrupted".to_owned()));
    let (accepted, attempts) = progress(&shown(&workspace, "r1"));
    assert!((1..20).contains(&accepted), "{accepted} splits");
    assert_eq!(attempts, accepted as u64, "no attempt was cut off");
    let files = workspace.files("out");
    let out = workspace.path("out");
    assert!(files.iter().all(|file| is_hidden(file.strip_prefix(&out).expect("it lies below"))));
    assert_done(&workspace.wasmill(&RESUME));
    assert_eq!(progress(&shown(&workspace, "r1")), (20, 20), "nothing is done twice");
    assert_eq!(lines(&workspace), 200_000);
}

#[test]
fn the_second_signal_ends_the_process_at_once() {
    let workspace = Workspace::new();
    long_pipeline(&workspace, 1_000_000, 1);
    let mut process = start(workspace.command(&RUN), &workspace);
    wait_until("the split is begun", || process.printed().contains("phase.started"));
    process.terminate();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!process.has_ended(), "the split at work goes on");
    process.terminate();
    let signalled = Instant::now();
    let ended = wait(process);
    assert_eq!(ended.end, End::Exited(130), "{ended:#?}");
    assert!(signalled.elapsed() < Duration::from_secs(2), "{:?}", signalled.elapsed());
    let (accepted, _) = progress(&shown(&workspace, "r1"));
    assert_eq!(accepted, 0);
    assert_done(&workspace.wasmill(&RESUME));
    assert_eq!(lines(&workspace), 1_000_000);
}

#[test]
fn of_two_processes_that_resume_a_run_one_wins() {
    let workspace = Workspace::new();
    long_pipeline(&workspace, 200_000, 20);
    dies_at(&mut workspace.command(&RUN), "after-manifest#2");
    let winner = start(workspace.command(&RESUME), &workspace);
    wait_until("it has the run", || winner.printed().contains("split.accepted"));
    let loser = workspace.wasmill(&RESUME);
    assert_ended(&loser, &[75], &["r1", &winner.id().to_string()]);
    assert_done(&wait(winner).outcome);
    assert_eq!(lines(&workspace), 200_000);
    assert_eq!(progress(&shown(&workspace, "r1")), (20, 20), "nothing is done twice");
}

// ---- Ledgers -----------------------------------------------------------------------------------------------

const LEDGER: &str = ".wasmill/ledger.db";

#[test]
fn a_ledger_of_the_first_version_is_brought_up_to_date() {
    let workspace = orders();
    workspace.pipeline(&[SOURCE, &csv_sink("out")].concat());
    let initial = wasmill_tests::root().join("host/ledger/migrations/0001_initial.sql");
    let migrations =
        workspace.write("migrations/0001_initial.sql", std::fs::read(initial).unwrap());
    let ledger = workspace.write(LEDGER, b"");
    block_on(async {
        let mut connection = open(&ledger).await.unwrap();
        let migrator = Migrator::new(migrations.parent().unwrap()).await.unwrap();
        migrator.run(&mut connection).await.unwrap();
        let run =
            "INSERT INTO runs (id, pipeline, file_digest, status, started_ms, ended_ms, summary)
                   VALUES ('old', 'test', 'sha256:00', 'succeeded', 1000, 2000, '{}'),
                          ('dead', 'test', 'sha256:00', 'running', 3000, NULL, NULL)";
        sqlx::query(run).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    assert_eq!(listed(&workspace), pairs(&[("dead", "running"), ("old", "succeeded")]));
    assert_done(&workspace.wasmill(&RUN));
    let after = [("r1", "succeeded"), ("dead", "aborted"), ("old", "succeeded")];
    assert_eq!(listed(&workspace), pairs(&after));
    assert_eq!(published(&workspace.path("out")), all_rows());
}

/// A way to break a ledger.
type Break = fn(&mut Vec<u8>);

#[test]
fn a_broken_ledger_is_refused_and_left_as_it_is() {
    let breaks: [(&str, Break); 3] = [
        ("no database", |bytes| bytes[..64].fill(b'x')),
        ("cut short", |bytes| bytes.truncate(bytes.len() / 2)),
        ("overwritten", |bytes| {
            let middle = bytes.len() / 2;
            bytes[4_096..middle].fill(0xA5);
        }),
    ];
    for (how, damage) in breaks {
        let workspace = orders();
        workspace.pipeline(&[SOURCE, &csv_sink("out")].concat());
        assert_done(&workspace.wasmill(&RUN));
        let before = published(&workspace.path("out"));
        let ledger = workspace.path(LEDGER);
        let mut bytes = std::fs::read(&ledger).unwrap();
        damage(&mut bytes);
        std::fs::write(&ledger, &bytes).unwrap();
        let files = workspace.files(".wasmill");
        for command in [&["run", "pipeline.toml", "--run-id", "r2"][..], &RESUME, &["runs", "list"]]
        {
            let outcome = workspace.wasmill(command);
            assert!(
                outcome.code.is_some_and(|code| [65, 74, 78].contains(&code)),
                "{how}: {command:?}: {outcome:#?}"
            );
            assert!(outcome.stderr.contains("ledger.db"), "{how}: {command:?}: {outcome:#?}");
            assert_eq!(std::fs::read(&ledger).unwrap(), bytes, "{how}: {command:?}");
            assert_eq!(workspace.files(".wasmill"), files, "{how}: {command:?}");
        }
        assert_eq!(published(&workspace.path("out")), before, "{how}");
    }
}
