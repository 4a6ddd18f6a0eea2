//! A copy of a pipeline of `pipelines/`, in a folder of its own: run by the binary, and judged by its `expected.py`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};
use tempfile::TempDir;

use crate::root;
use crate::workspace::wasmill_program;

/// The copy; gone with the value.
pub struct Scenario {
    root: TempDir,
    name: &'static str,
}

impl Scenario {
    /// The plugins are where the pipeline file looks for them: in `../../dist/plugins`.
    pub fn copy_of(name: &'static str) -> Self {
        let scenario = Self { root: tempfile::tempdir().expect("a temporary folder"), name };
        copy_folder(&root().join("pipelines").join(name), &scenario.folder());
        std::os::unix::fs::symlink(root().join("dist"), scenario.root.path().join("dist"))
            .expect("a link to dist");
        scenario
    }

    pub fn folder(&self) -> PathBuf {
        self.root.path().join("pipelines").join(self.name)
    }

    /// Runs a pipeline file of the folder, with these variables in its environment. What it prints, lines of JSON, is kept in a file of the
    /// folder too.
    pub fn run(&self, file: &str, events: &str, variables: &[(&str, &str)]) -> Output {
        let mut run = Command::new(wasmill_program());
        run.args(["run", file, "--output", "json"])
            .current_dir(self.folder())
            .envs(variables.iter().copied());
        let output = run.output().expect("the binary runs");
        std::fs::write(self.folder().join(events), &output.stdout).expect("a file");
        output
    }

    /// The same of a run that must end well.
    pub fn succeeds(&self, file: &str, events: &str) {
        let output = self.run(file, events, &[]);
        assert!(output.status.success(), "{}", summary(&output));
    }

    /// What `expected.py` says of the outputs and of a run that ended well; panics where it finds something wrong.
    pub fn judged(&self, events: &str) -> Value {
        let mut judge = Command::new("python3");
        judge.args(["expected.py", "out", events]).current_dir(self.folder());
        let output = judge.output().expect("python3 runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// All rows of a table of a SQLite database in the folder, as texts, in order.
    pub async fn table(&self, database: &str, name: &str) -> Vec<String> {
        let file = SqliteConnectOptions::new().filename(self.folder().join(database));
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

/// The summary of a run: the last line that it printed.
pub fn summary(output: &Output) -> Value {
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = printed.lines().last().unwrap_or_else(|| panic!("nothing printed: {errors}"));
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}\n{errors}"))
}

/// All but what a person's own runs have left there.
fn copy_folder(from: &Path, to: &Path) {
    let failed = |error: std::io::Error| panic!("{}: {error}", from.display());
    std::fs::create_dir_all(to).unwrap_or_else(failed);
    for entry in
        std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display()))
    {
        let entry = entry.expect("a readable folder");
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "out" && name != ".wasmill" {
            copy_folder(&path, &to.join(name));
        } else if path.is_file() {
            std::fs::copy(&path, to.join(name)).expect("a copy");
        }
    }
}
