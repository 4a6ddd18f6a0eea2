//! The documents in `docs/plugins`, executed: what they tell a reader to do works, and prints what they show.
//!
//! `wasmill_tests::documents` says what is done with which block of code. The program is on the `PATH` as `wasmill`; plugins in Rust share
//! a target folder, so that the SDK is compiled once.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use wasmill_tests::documents::{broken_links, execute};
use wasmill_tests::workspace::{Workspace, wasmill_program};
use wasmill_tests::{build_folder, cache_folder, root};

/// One test each. Documents without code are only looked through for links.
const EXECUTED: [&str; 9] =
    ["README", "rust", "python", "typescript", "c", "go", "testing", "cookbook", "speed"];

fn documents() -> PathBuf {
    root().join("docs/plugins")
}

fn executes(name: &str) {
    let workspace = Workspace::new();
    let programs = workspace.path("programs");
    std::fs::create_dir(&programs).expect("a folder");
    std::os::unix::fs::symlink(wasmill_program(), programs.join("wasmill")).expect("a link");
    let mut path = OsString::from(&programs);
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let variables = [
        ("PATH", path),
        ("WASMILL_CACHE", cache_folder().into()),
        ("CARGO_TARGET_DIR", build_folder().join("documents").into()),
    ];
    let folder = workspace.path("work");
    std::fs::create_dir(&folder).expect("a folder");
    match execute(&documents().join(format!("{name}.md")), &folder, &variables) {
        Ok(executed) => assert!(executed > 0, "{name}.md has nothing to execute"),
        Err(wrong) => panic!("{wrong}"),
    }
}

#[test]
fn the_way_in_works() {
    executes("README");
}

#[test]
fn the_tutorial_for_rust_works() {
    executes("rust");
}

#[test]
fn the_tutorial_for_python_works() {
    executes("python");
}

#[test]
fn the_tutorial_for_typescript_works() {
    executes("typescript");
}

#[test]
fn the_tutorial_for_c_works() {
    executes("c");
}

#[test]
fn the_tutorial_for_go_works() {
    executes("go");
}

#[test]
fn what_is_said_of_testing_works() {
    executes("testing");
}

#[test]
fn the_recipes_work() {
    executes("cookbook");
}

#[test]
fn what_is_said_of_speed_works() {
    executes("speed");
}

#[test]
fn every_document_is_executed_and_its_links_lead_somewhere() {
    let mut others = BTreeSet::new();
    for entry in std::fs::read_dir(documents()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(broken_links(&path), [""; 0], "{}", path.display());
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if !EXECUTED.contains(&name.as_str()) {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("```"), "{name}.md has code, and no test executes it");
            others.insert(name);
        }
    }
    assert_eq!(others, BTreeSet::from(["contract".to_owned()]), "a new document gets a test");
}
