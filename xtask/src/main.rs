//! The project's own commands: `cargo xtask COMMAND`.
//!
//! Each command is one file. What they share: where things are (`workspace`), how programs are started
//! (`process`), how components are built and installed (`components`, `guests`).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command line")]

mod bench;
mod chaos;
mod components;
mod conformance;
mod contract;
mod duration;
mod evil;
mod fuzz;
mod guests;
mod javascript;
mod kernels;
mod plugins;
mod process;
mod python;
mod receiver;
mod scenario;
mod served;
mod servers;
mod test;
mod test_output;
mod workspace;

use std::process::ExitCode;

use crate::workspace::{Profile, Workspace};

const USAGE: &str = "\
The project's own commands.

Usage: cargo xtask COMMAND

  demo            builds plugins and host, and runs the scenario `ecommerce`
  scenario NAME   builds plugins and host, and runs pipelines/NAME/pipeline.toml;
                  with --release, by a host that is slow to build and fast to run
  plugins         builds the standard plugins to dist/plugins/, and hostile ones to dist/attacks/
  evil            builds plugins and host, and has hostile plugins attack it, under small limits
  conformance     builds the conformance plugins of all languages, and runs them through all cases;
                  --language rust|python|js|c|go, --case PART, --verbose, --json
  contract        writes docs/plugins/contract.md, of the contract in wit/
  freeze          once all languages conform, keeps the contract in wit/ as that of its version (docs/contract.md)
  kernels         builds what plugins in Python and JavaScript have for loops over columns, plugin-sdk/kernels/kernels.wasm
  bench [NAME]    builds and runs the benchmarks in bench/, or one of them; --quick for a first look,
                  --json for one JSON object a line
  chaos           builds plugins and host, kills processes of a pipeline, has others go on, and compares;
                  --kills N, or 100; --seed S and --only ROUND to repeat; --ledger sqlite|postgres
  fuzz [TARGET]   looks for inputs that break the host, by the targets in fuzz/, or one of them;
                  --seconds N for each, or 30; with TARGET and a FILE, runs this one input again
  test            everything that must hold before a change is merged: formatting, lints, all tests

CARGO_TARGET_DIR says where to build; without it, in target/.";

/// How `wasmill`, and most programs, end when they are called wrongly.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match fuzz::wrapped_compiler() {
        Some(compiler) => fuzz::compile(&compiler),
        None => run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode, String> {
    let workspace = Workspace::find()?;
    match arguments {
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        ["demo"] => scenario::run(&workspace, "ecommerce", Profile::Dev),
        ["scenario", name] | ["scenario", name, "--release"] | ["scenario", "--release", name] => {
            let release = arguments.contains(&"--release");
            let profile = if release { Profile::Release } else { Profile::Dev };
            scenario::run(&workspace, name, profile)
        }
        ["plugins"] => {
            plugins::run(&workspace)?;
            plugins::build_others(&workspace)?;
            Ok(ExitCode::SUCCESS)
        }
        ["evil"] => evil::run(&workspace),
        ["bench", options @ ..] => bench::run(&workspace, options),
        ["conformance", options @ ..] => conformance::run(&workspace, options),
        ["contract"] => contract::run(&workspace).map(|()| ExitCode::SUCCESS),
        ["kernels"] => kernels::run(&workspace).map(|()| ExitCode::SUCCESS),
        ["freeze"] => conformance::freeze(&workspace),
        ["chaos", options @ ..] => chaos::run(&workspace, options),
        ["fuzz", arguments @ ..] => fuzz::run(&workspace, arguments),
        ["test"] => Ok(test::run(&workspace)),
        ["scenario"] => {
            eprintln!("error: which scenario? {}", scenario::known(&workspace)?);
            Ok(ExitCode::from(WRONG_USAGE))
        }
        _ => {
            eprintln!("error: `{}` is not understood\n\n{USAGE}", arguments.join(" "));
            Ok(ExitCode::from(WRONG_USAGE))
        }
    }
}
