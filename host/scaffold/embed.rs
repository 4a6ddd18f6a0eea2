//! Writes down which templates there are, and puts them into the program.

#![allow(clippy::print_stdout, reason = "Cargo reads it")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo says")).join("templates");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut list = String::from("[\n");
    add(&root, "", &mut list);
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo says")).join("templates.rs");
    fs::write(&out, list).expect("OUT_DIR can be written");
}

/// Adds the files of a folder, in the order of their names, with their paths below the templates.
fn add(folder: &Path, below: &str, list: &mut String) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder that can be read")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = format!("{below}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            add(&path, &format!("{name}/"), list);
        } else {
            writeln!(list, "    ({name:?}, include_str!({path:?})),").expect("a string");
        }
    }
}
