//! A copy of a pipeline of `pipelines/`, in a folder of its own, and what its `expected.py` says of a run.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
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

    /// Runs a pipeline file of the folder; what it prints goes to `events`.
    ///
    /// # Panics
    ///
    /// When the run fails.
    pub fn run(&self, file: &str, events: &str) {
        let mut run = Command::new(wasmill_program());
        run.args(["run", file, "--output", "json"]).current_dir(self.folder());
        let output = run.output().expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        std::fs::write(self.folder().join(events), output.stdout).expect("a file");
    }

    /// What `expected.py` says of the outputs.
    ///
    /// # Panics
    ///
    /// When it finds something wrong.
    pub fn judged(&self, events: &str) -> Value {
        let mut judge = Command::new("python3");
        judge.args(["expected.py", "out", events]).current_dir(self.folder());
        let output = judge.output().expect("python3 runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
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
