//! Every committed seed, once, through the target that it is for: what was found once stays mended.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use wasmill_fuzz::TARGETS;

fn seeds() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

/// Runs all seeds of one target.
fn run(name: &str) {
    let target = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    let mut files: Vec<PathBuf> =
        fs::read_dir(seeds().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no seeds");
    for file in files {
        // Captured, and shown when the seed fails.
        println!("{}", file.display());
        (target.run)(&fs::read(&file).unwrap());
    }
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
