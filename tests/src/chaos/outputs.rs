//! What came out of a round, and how it differs from what should have.
//!
//! With the same run ids the same inputs give the same: files with the same names and bytes, the same rows in tables and in the
//! quarantine, the same counts, one event for each run. What differs is counted row by row: a row that is missing is lost, one
//! too many is duplicated, and one with another value is both. What is no matter of rows, such as a file that was left over, is a
//! problem in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use arrow::json::LineDelimitedWriter;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::site::{FILE, OUTPUTS, RUNS, Site};
use crate::process::End;
use crate::workspace::Outcome;

/// How long a command may take that only looks.
const LOOKING: std::time::Duration = std::time::Duration::from_secs(60);
/// Names of SQLite's databases, and of what it puts beside them while it writes.
const DATABASE: &str = ".db";
/// How many rows that differ are shown.
const SHOWN: usize = 3;
/// How much of a row is shown.
const SHOWN_CHARACTERS: usize = 200;

/// All that a round gave.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// Published files by name. Databases are read as tables instead.
    files: BTreeMap<String, Vec<u8>>,
    /// All names below the sinks' folder, hidden ones included.
    names: BTreeSet<String>,
    /// Rows by what they are rows of: tables, quarantines of runs.
    rows: BTreeMap<String, Vec<String>>,
    /// Facts that are no rows, by what they are about.
    facts: BTreeMap<String, String>,
    /// The bodies that were delivered and taken, by the event's key.
    events: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// What should not be there, whatever the reference.
    leftovers: Vec<String>,
}

/// How outputs differ from the reference.
#[derive(Debug, Default)]
pub struct Difference {
    pub lost: u64,
    pub duplicated: u64,
    /// In words, a line or more each.
    pub problems: Vec<String>,
}

impl Outputs {
    /// Reads all that a round gave; a message when the program cannot be asked.
    pub fn read(site: &Site) -> Result<Self, String> {
        let mut outputs = Self::default();
        outputs.read_files(site);
        outputs.read_ledger(site)?;
        for delivery in site.receiver.deliveries().into_iter().filter(|delivery| delivery.taken) {
            outputs.events.entry(delivery.key()).or_default().insert(delivery.body);
        }
        outputs.find_leftovers(site);
        Ok(outputs)
    }

    /// Compares with an undisturbed round.
    pub fn compare(&self, reference: &Self) -> Difference {
        let mut difference = Difference::default();
        difference.compare_files(self, reference);
        let names: BTreeSet<&String> = self.rows.keys().chain(reference.rows.keys()).collect();
        for name in names {
            let rows = |outputs: &Self| outputs.rows.get(name).cloned().unwrap_or_default();
            difference.compare_rows(name, &rows(self), &rows(reference));
        }
        for (about, expected) in &reference.facts {
            let found = self.facts.get(about).map_or("nothing", String::as_str);
            if found != expected {
                difference.problems.push(format!("{about}: {found}, instead of {expected}"));
            }
        }
        difference.compare_events(self, reference);
        difference.problems.extend(self.leftovers.iter().cloned());
        difference
    }

    fn read_files(&mut self, site: &Site) {
        let folder = site.folder.join(OUTPUTS);
        for path in below(&folder) {
            let name = path.strip_prefix(&folder).expect("it lies below").display().to_string();
            self.names.insert(name.clone());
            if path.is_file() && name.ends_with(DATABASE) {
                self.rows.extend(tables(&path, &name));
            } else if path.is_file() {
                self.files.insert(name, read(&path));
            }
        }
    }

    /// The runs, their counts, and what they held back, as the program tells them.
    fn read_ledger(&mut self, site: &Site) -> Result<(), String> {
        let ask = |arguments: &[&str]| ask(site, arguments).map(|outcome| outcome.events());
        let runs = ask(&["runs", "list", "--file", FILE, "--output", "json"])?;
        let mut listed: Vec<String> =
            runs.iter().map(|run| format!("{}: {}", run["id"], run["status"])).collect();
        listed.sort();
        self.facts.insert("runs in the ledger".to_owned(), listed.join(", "));
        for run in RUNS {
            let shown = ask(&["runs", "show", run, "--file", FILE, "--output", "json"])?;
            let summary = shown.first().map(|shown| &shown["run"]["summary"]);
            for step in
                summary.and_then(|summary| summary["steps"].as_array()).into_iter().flatten()
            {
                let about = format!("rows of {} in {run}", step["step"]);
                self.facts.insert(about, counts(step));
            }
            let quarantine = ["quarantine", "show", run, "--file", FILE, "--output", "json"];
            let rows = ask(&[&quarantine[..], &["--limit", "1000000"]].concat())?;
            let rows = rows.iter().map(Value::to_string).collect();
            self.rows.insert(format!("the quarantine of {run}"), rows);
        }
        Ok(())
    }

    /// What finished runs should have swept: what they staged, and scratch.
    fn find_leftovers(&mut self, site: &Site) {
        let mut quarantined: BTreeMap<String, usize> = BTreeMap::new();
        for path in below(&site.folder) {
            let shown = path.strip_prefix(&site.folder).expect("it lies below").to_owned();
            let words: Vec<_> = shown.iter().map(|word| word.to_string_lossy()).collect();
            let of_run = |folder: &str| {
                let mut pairs = words.windows(2);
                pairs.any(|pair| pair[0] == folder && RUNS.contains(&&*pair[1]))
            };
            let staged =
                words.len() > 1 && words[0] == OUTPUTS && words.contains(&".wasmill".into());
            if staged || of_run("runs") {
                self.leftovers.push(format!("left over: {}", shown.display()));
            } else if of_run("quarantine") && path.is_file() {
                *quarantined.entry(words[words.len() - 2].to_string()).or_default() += 1;
            }
        }
        for (run, files) in quarantined {
            self.facts.insert(format!("files in the quarantine of {run}"), files.to_string());
        }
    }
}

impl Difference {
    /// Whether all is as it should be.
    pub fn is_none(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.problems.is_empty()
    }

    fn compare_files(&mut self, found: &Outputs, expected: &Outputs) {
        for name in found.names.symmetric_difference(&expected.names) {
            let verb =
                if found.names.contains(name) { "there should be no" } else { "there is no" };
            self.problems.push(format!("{verb} {OUTPUTS}/{name}"));
        }
        // By folder: a row that is in another file than it should be is neither lost nor there twice.
        let differing = found.files.keys().chain(expected.files.keys());
        let differing =
            differing.filter(|name| found.files.get(*name) != expected.files.get(*name));
        let mut folders: BTreeMap<&Path, BTreeSet<&String>> = BTreeMap::new();
        for name in differing {
            let folder = Path::new(name).parent().expect("a name within a folder");
            folders.entry(folder).or_default().insert(name);
        }
        for (folder, names) in folders {
            let rows = |outputs: &Outputs| -> Vec<String> {
                let files = names.iter().filter_map(|name| outputs.files.get_key_value(*name));
                files.flat_map(|(name, content)| rows_of_file(name, content)).collect()
            };
            for name in names.iter().filter(|name| found.names.contains(**name)) {
                self.problems.push(format!("other bytes: {OUTPUTS}/{name}"));
            }
            self.compare_rows(
                &format!("{OUTPUTS}/{}", folder.display()),
                &rows(found),
                &rows(expected),
            );
        }
    }

    /// Compares rows of which the order does not matter.
    fn compare_rows(&mut self, name: &str, found: &[String], expected: &[String]) {
        let mut surplus: BTreeMap<&str, i64> = BTreeMap::new();
        for row in found {
            *surplus.entry(row).or_default() += 1;
        }
        for row in expected {
            *surplus.entry(row).or_default() -= 1;
        }
        for (verb, sign) in [("lost", -1), ("duplicated", 1)] {
            let rows: Vec<(&str, i64)> = surplus
                .iter()
                .map(|(row, surplus)| (*row, surplus * sign))
                .filter(|(_, number)| *number > 0)
                .collect();
            let number: i64 = rows.iter().map(|(_, number)| number).sum();
            let total = if sign < 0 { &mut self.lost } else { &mut self.duplicated };
            *total += number.unsigned_abs();
            if number > 0 {
                let mut problem = format!("{name}: {number} rows {verb}");
                for (row, number) in rows.iter().take(SHOWN) {
                    let row: String = row.chars().take(SHOWN_CHARACTERS).collect();
                    write!(problem, "\n    {number} times: {row}").expect("a text takes it");
                }
                self.problems.push(problem);
            }
        }
    }

    /// Each event of the reference came at least once, always alike, and no other did.
    fn compare_events(&mut self, found: &Outputs, expected: &Outputs) {
        for key in expected.events.keys().filter(|key| !found.events.contains_key(*key)) {
            self.lost += 1;
            self.problems.push(format!("the event {key} was never delivered"));
        }
        for (key, bodies) in &found.events {
            if !expected.events.contains_key(key) {
                self.duplicated += 1;
                self.problems.push(format!("there should be no event {key}"));
            } else if bodies.len() > 1 {
                self.duplicated += bodies.len() as u64 - 1;
                self.problems.push(format!("the event {key} was not the same each time"));
            }
        }
    }
}

/// What a step's rows came to, without what depends on time.
fn counts(step: &Value) -> String {
    let names = ["rows_in", "rows_out", "quarantined", "dropped", "added"];
    names.map(|name| format!("{name} {}", step[name])).join(", ")
}

/// Runs a command that only looks, which must succeed.
pub fn ask(site: &Site, arguments: &[&str]) -> Result<Outcome, String> {
    let ended = site.start(site.command(arguments)).wait(None, LOOKING);
    match ended.end {
        End::Exited(0) => Ok(ended.outcome),
        end => Err(format!("`{}`: {end:?}: {}", ended.shown, ended.outcome.stderr.trim())),
    }
}

/// The rows of a published file as text.
fn rows_of_file(name: &str, content: &[u8]) -> Vec<String> {
    let text = if name.ends_with(".parquet") {
        match parquet_as_json(content) {
            Ok(text) => text,
            Err(error) => return vec![format!("{name} cannot be read: {error}")],
        }
    } else {
        content.to_vec()
    };
    let header = usize::from(name.ends_with(".csv"));
    String::from_utf8_lossy(&text).lines().skip(header).map(str::to_owned).collect()
}

fn parquet_as_json(content: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let content = Bytes::copy_from_slice(content);
    let mut writer = LineDelimitedWriter::new(Vec::new());
    for batch in ParquetRecordBatchReaderBuilder::try_new(content)?.build()? {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    Ok(writer.into_inner())
}

/// The rows of all tables of a SQLite database, by table.
fn tables(path: &Path, name: &str) -> BTreeMap<String, Vec<String>> {
    let read = async {
        let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut connection).await?;
        let mut rows = BTreeMap::new();
        for table in tables {
            let of_table = rows_of_table(&mut connection, &table).await?;
            rows.insert(format!("table {table} of {OUTPUTS}/{name}"), of_table);
        }
        connection.close().await?;
        Ok::<_, sqlx::Error>(rows)
    };
    block_on(read).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Each row as the literals of its values.
pub async fn rows_of_table(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let columns = sqlx::query_scalar("SELECT name FROM pragma_table_info($1)").bind(table);
    let columns: Vec<String> = columns.fetch_all(&mut *connection).await?;
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let literals: Vec<String> =
        columns.iter().map(|column| format!("quote({})", quoted(column))).collect();
    let query = format!("SELECT {} FROM {}", literals.join(" || ',' || "), quoted(table));
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(connection).await
}

/// Waits for a future on a runtime of its own.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// All files and folders below a folder, in order; none where there is no such folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(rows: &[&str], events: &[(&str, &[&str])]) -> Outputs {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        let body = |body: &&str| body.as_bytes().to_vec();
        Outputs {
            rows: [("table".to_owned(), rows)].into(),
            events: events
                .iter()
                .map(|(key, bodies)| ((*key).to_owned(), bodies.iter().map(body).collect()))
                .collect(),
            ..Outputs::default()
        }
    }

    fn counted(found: &Outputs, expected: &Outputs) -> (u64, u64, usize) {
        let difference = found.compare(expected);
        (difference.lost, difference.duplicated, difference.problems.len())
    }

    #[test]
    fn rows_are_counted_in_any_order() {
        let expected = outputs(&["a", "b", "b", "c"], &[]);
        for (rows, lost, duplicated) in [
            (&["b", "a", "c", "b"][..], 0, 0),
            (&["a", "b", "c"], 1, 0),
            (&["a", "b", "b", "c", "c", "c"], 0, 2),
            (&["a", "b", "B", "c"], 1, 1),
            (&[], 4, 0),
        ] {
            let (is_lost, is_duplicated, _) = counted(&outputs(rows, &[]), &expected);
            assert_eq!((is_lost, is_duplicated), (lost, duplicated), "{rows:?}");
        }
    }

    #[test]
    fn events_come_at_least_once_and_alike() {
        let expected = outputs(&[], &[("r1", &["x"]), ("r2", &["y"])]);
        // What an event says depends on when it was said: only repeats must be alike.
        assert_eq!(counted(&outputs(&[], &[("r1", &["X"]), ("r2", &["Y"])]), &expected), (0, 0, 0));
        assert_eq!(counted(&outputs(&[], &[("r1", &["x"])]), &expected), (1, 0, 1));
        let twice = outputs(&[], &[("r1", &["x", "X"]), ("r2", &["y"]), ("r3", &["z"])]);
        assert_eq!(counted(&twice, &expected), (0, 2, 2));
    }

    #[test]
    fn files_are_compared_by_bytes_and_counted_by_rows() {
        let with = |files: &[(&str, &str)]| Outputs {
            names: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
            files: files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
                .collect(),
            ..Outputs::default()
        };
        let expected = with(&[("t/1.csv", "h\na\nb\n"), ("t/2.csv", "h\nc\n")]);
        assert_eq!(counted(&expected, &expected), (0, 0, 0));
        // Rows that have moved from file to file: a problem, but nothing is lost.
        let moved = with(&[("t/1.csv", "h\na\n"), ("t/2.csv", "h\nc\nb\n")]);
        assert_eq!(counted(&moved, &expected), (0, 0, 2));
        let missing = with(&[("t/1.csv", "h\na\nb\n")]);
        assert_eq!(counted(&missing, &expected), (1, 0, 2));
        let surplus =
            with(&[("t/1.csv", "h\na\nb\n"), ("t/2.csv", "h\nc\n"), ("t/3.csv", "h\nc\n")]);
        assert_eq!(counted(&surplus, &expected), (0, 1, 3));
    }
}
