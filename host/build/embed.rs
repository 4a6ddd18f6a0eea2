//! Writes down which files of the SDKs, and of `wit/`, are put into the program: whoever has it needs no checkout of Wasmill.

#![allow(clippy::print_stdout, reason = "Cargo reads it")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders, from the root of the repository, and under which names they are found in the program.
const FOLDERS: [(&str, &str); 6] = [
    ("wit", "wit"),
    ("plugin-sdk/c", "c"),
    ("plugin-sdk/go", "go"),
    ("plugin-sdk/js", "js"),
    ("plugin-sdk/python", "python"),
    ("plugin-sdk/rust", "rust"),
];

/// Says of which versions the dependencies of the SDK for Rust are.
const WORKSPACE: &str = "Cargo.toml";

/// Folders of an SDK that plugins do not need, beside what is only for people.
const LEFT_OUT: [&str; 7] =
    ["tests", "test", "node_modules", "__pycache__", "dist", "build", "target"];

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo says")).join("../..");
    let mut list = String::from("[\n");
    for (folder, name) in FOLDERS {
        let folder = root.join(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        if folder.is_dir() {
            add(&folder, name, &mut list);
        }
    }
    let workspace = root.join(WORKSPACE).canonicalize().expect("a workspace");
    println!("cargo:rerun-if-changed={}", workspace.display());
    writeln!(list, "    (\"workspace/{WORKSPACE}\", include_bytes!({workspace:?})),")
        .expect("a string");
    list.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo says")).join("embedded.rs");
    fs::write(&out, list).expect("OUT_DIR can be written");
}

/// Adds the files of a folder, in the order of their names.
fn add(folder: &Path, name: &str, list: &mut String) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a folder that can be read")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let file = path.file_name().expect("a name").to_string_lossy();
        if file.starts_with('.') || file.ends_with(".md") || LEFT_OUT.contains(&file.as_ref()) {
            continue;
        }
        let name = format!("{name}/{file}");
        if path.is_dir() {
            add(&path, &name, list);
        } else {
            let path = path.canonicalize().expect("a file");
            writeln!(list, "    ({name:?}, include_bytes!({path:?})),").expect("a string");
        }
    }
}
