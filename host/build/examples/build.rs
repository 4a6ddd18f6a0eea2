//! Builds one plugin, without the command line: `cargo run --package wasmill-build --example build -- FOLDER --out FILE.wasm`.

#![allow(clippy::print_stderr, reason = "this is a command line")]

use std::path::PathBuf;
use std::process::ExitCode;

use wasmill_build::{Report, Tools, build, default_cache};

struct Steps;

impl Report for Steps {
    fn step(&self, text: &str) {
        eprintln!("{text}");
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out, file] = &arguments[..] else {
        eprintln!("usage: build FOLDER --out FILE.wasm");
        return ExitCode::from(2);
    };
    assert_eq!(out, "--out");
    let cache = default_cache().expect("HOME or XDG_CACHE_HOME is set");
    match build(&PathBuf::from(folder), None, &Tools::new(cache, &Steps)) {
        Ok(built) => {
            std::fs::write(file, &built.component).expect("the file can be written");
            eprintln!(
                "{} {}: {} bytes",
                built.project.name,
                built.project.version,
                built.component.len()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
