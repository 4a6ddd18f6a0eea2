//! The unit tests of each SDK, in the test runner of its language. Those of the Rust SDK are among the tests of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use wasmill_build::Tools;

fn sdk(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk").join(language)
}

fn passes(command: &mut Command) {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&said));
}

#[test]
fn python() {
    // Nothing is written into the source tree.
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest", "discover", "-s", "tests"]);
    passes(python.current_dir(sdk("python")));
}

#[test]
fn javascript() {
    passes(Command::new("node").args(["--test", "test/"]).current_dir(sdk("js")));
}

#[test]
fn c() {
    let folder = tempfile::tempdir().unwrap();
    let build = format!("BUILD={}", folder.path().display());
    passes(Command::new("make").args(["test", &build]).current_dir(sdk("c")));
}

#[test]
fn go() {
    let tools = Tools::new(wasmill_build::default_cache().expect("a cache folder"), &());
    let mut go = wasmill_build::go(&tools).unwrap_or_else(|error| panic!("{error}"));
    passes(go.args(["test", "./..."]).current_dir(sdk("go")));
}
