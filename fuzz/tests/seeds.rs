//! Every committed seed, once, through the target that it is for: what was found once stays mended.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use wasmill_fuzz::TARGETS;

fn seeds() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

/// Runs all seeds of one target.
fn run(name: &str) {
    let target = TARGETS.into_iter().find(|target| target.name == name).expect("a target");
    let entries = fs::read_dir(seeds().join(name)).expect("a folder of seeds");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no seeds");
    files.retain(|file| {
        let bytes = fs::read(file).expect("a readable seed");
        catch_unwind(|| (target.run)(&bytes)).is_err()
    });
    assert!(files.is_empty(), "the panics above are those of {files:#?}");
}

#[test]
fn every_target_has_its_seeds() {
    let folders: BTreeSet<String> = fs::read_dir(seeds())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, targets, "fuzz/seeds/ has one folder for each target");
}

#[test]
fn columns() {
    run("columns");
}

#[test]
fn component() {
    run("component");
}

#[test]
fn ipc() {
    run("ipc");
}

#[test]
fn json() {
    run("json");
}

#[test]
fn pipeline_file() {
    run("pipeline_file");
}

#[test]
fn smith() {
    run("smith");
}
