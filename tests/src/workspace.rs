//! A folder of its own in which a test runs the command line, as a user would.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::tmpfs::Tmpfs;
use crate::{build_folder, cache_folder, root};

/// A temporary folder; gone with the value.
pub struct Workspace {
    folder: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Workspace {
    #[expect(clippy::new_without_default, reason = "making a folder is no default value")]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Writes `pipeline.toml`, with `[pipeline]` put before it: the plugins are those that the project built.
    pub fn pipeline(&self, sections: &str) -> PathBuf {
        let plugins = root().join("dist/plugins");
        let text = format!("[pipeline]\nname = \"test\"\nplugins = [{plugins:?}]\n{sections}");
        self.write("pipeline.toml", text)
    }

    /// Runs the command line in the folder and waits for it.
    pub fn wasmill(&self, arguments: &[&str]) -> Outcome {
        let output = self.command(arguments).output().expect("the binary runs");
        Outcome::new(&output)
    }

    /// The same, with environment variables.
    pub fn wasmill_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(arguments);
        let output = command.envs(variables.iter().copied()).output().expect("the binary runs");
        Outcome::new(&output)
    }

    /// Starts the command line in the folder.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
    }

    /// Runs `pipeline.toml` and returns the events; panics unless it succeeds.
    pub fn run(&self) -> Vec<Value> {
        let outcome = self.wasmill(&["run", "pipeline.toml", "--output", "json"]);
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        outcome.events()
    }

    /// The command line, to be started in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(wasmill_program());
        command.current_dir(self.folder.path()).args(arguments);
        command.env("WASMILL_CACHE", cache_folder());
        command
    }

    /// The same, where it sees a file system that is mounted for it.
    pub fn command_with(&self, tmpfs: &Tmpfs, arguments: &[&str]) -> Command {
        let mut command = tmpfs.command(wasmill_program(), self.folder.path());
        command.args(arguments).env("WASMILL_CACHE", cache_folder());
        command
    }

    /// The content of all files that a sink published to a folder, in the order of their names.
    pub fn published(&self, name: &str) -> String {
        let folder = self.path(name);
        let files = self.files(name);
        let visible = files.iter().filter(|file| {
            !is_hidden(file.strip_prefix(&folder).expect("files of a folder are below it"))
        });
        visible.map(|file| std::fs::read_to_string(file).expect("text")).collect()
    }

    /// The names of all files below a folder, sorted; none where there is no such folder.
    pub fn files(&self, name: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path(name)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("a readable folder").path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }
}

/// Whether a path has a part that readers of a folder of data pass over.
pub fn is_hidden(path: &Path) -> bool {
    path.iter().any(|part| part.to_string_lossy().starts_with(['.', '_']))
}

impl Outcome {
    pub fn new(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// The lines of standard output as JSON.
    pub fn events(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// The command line: what `WASMILL_BIN` names, or what was built into the folder of this test.
pub fn wasmill_program() -> PathBuf {
    if let Some(named) = std::env::var_os("WASMILL_BIN") {
        return named.into();
    }
    let binary = build_folder().join("wasmill");
    assert!(
        Path::new(&binary).exists(),
        "{} is missing; build it first: cargo build -p wasmill",
        binary.display()
    );
    binary
}

/// The counts of one step in the summary that a run ends with.
pub fn step<'a>(events: &'a [Value], name: &str) -> &'a Value {
    let last = events.last().expect("a run ends with its summary");
    let steps = last["steps"].as_array().expect("a summary has steps");
    steps
        .iter()
        .find(|step| step["step"] == name)
        .unwrap_or_else(|| panic!("no step {name} in {last:#}"))
}
