//! `cargo xtask bench`: the benchmarks, a workspace of their own in `bench/`.
//!
//! Their guests are of two kinds: components for Wasmill, and core modules for peers that know no components. Some benchmarks
//! are of whole runs, and need the command line and the standard plugins; some have peers in Python. These are built and
//! installed only when such a benchmark is to run. `commit` and `languages` are programs of their own; of peers, `languages` has
//! one, in Python.

use std::fs;
use std::process::{Command, ExitCode};

use crate::components::{self, ensure_target};
use crate::workspace::{Profile, Workspace};
use crate::{plugins, process, python};

/// The target of the peers' guests.
const MODULE_TARGET: &str = "wasm32-wasip1";

/// The guests, and what they are built for.
const GUESTS: [(&str, &str); 8] = [
    ("bench-wasmill", components::TARGET),
    ("bench-encodings", components::TARGET),
    ("bench-logs", components::TARGET),
    ("bench-poison", components::TARGET),
    ("bench-records", components::TARGET),
    ("bench-lineitem", components::TARGET),
    ("bench-arrow-udf", MODULE_TARGET),
    ("bench-extism", MODULE_TARGET),
];

/// The benchmarks that run the command line.
const OF_WHOLE_RUNS: [&str; 5] = ["start", "poison", "records", "pipeline", "scaling"];
/// The benchmarks with peers in Python.
const WITH_PYTHON: [&str; 2] = ["records", "pipeline"];

/// The benchmarks that are programs of their own.
const COMMIT: &str = "commit";
const LANGUAGES: &str = "languages";

/// Builds guests and benchmarks, and runs them with `options`.
///
/// # Errors
///
/// When a build fails, something cannot be installed, or a file cannot be written.
pub fn run(workspace: &Workspace, options: &[&str]) -> Result<ExitCode, String> {
    match named(options) {
        Some(COMMIT) => run_commit(workspace, options),
        Some(LANGUAGES) => run_languages(workspace, options),
        Some(_) => run_beside_peers(workspace, options),
        None => {
            for run in [run_beside_peers, run_languages, run_commit] {
                let code = run(workspace, options)?;
                if code != ExitCode::SUCCESS {
                    return Ok(code);
                }
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The same work in every language.
fn run_languages(workspace: &Workspace, options: &[&str]) -> Result<ExitCode, String> {
    let mut bench = program(workspace, "bench-languages")?;
    bench.args(options.iter().filter(|option| **option != LANGUAGES));
    let folder = workspace.target.join("bench");
    bench.arg("--projects").arg(workspace.root.join("bench/languages/plugins"));
    bench.arg("--guests").arg(folder.join("languages"));
    bench.arg("--samples").arg(folder.join("samples"));
    bench.arg("--data").arg(folder.join("data/runs"));
    // Only one work has a peer.
    let work = options.iter().position(|option| *option == "--work");
    if work.is_none_or(|at| options.get(at + 1) == Some(&"records")) {
        add_python(workspace, &mut bench)?;
    }
    finished(&mut bench)
}

/// What it costs to stage and to commit, beside writing straight.
fn run_commit(workspace: &Workspace, options: &[&str]) -> Result<ExitCode, String> {
    let mut bench = program(workspace, "bench-commit")?;
    // Which subjects there are is no question here.
    let subject = options.iter().position(|option| *option == "--subject");
    let is_of_subject = |index| subject.is_some_and(|at| index == at || index == at + 1);
    let options = options.iter().enumerate().filter(|(index, _)| !is_of_subject(*index));
    bench.args(options.map(|(_, option)| option).filter(|option| **option != COMMIT));
    bench.arg("--data").arg(workspace.target.join("bench/data"));
    finished(&mut bench)
}

/// A program of `bench/`, built.
fn program(workspace: &Workspace, name: &str) -> Result<Command, String> {
    let manifest = workspace.root.join("bench/Cargo.toml");
    let mut cargo = workspace.cargo(["build", "--release", "--package", name]);
    process::run(cargo.arg("--manifest-path").arg(manifest))?;
    Ok(Command::new(workspace.target.join("release").join(name)))
}

/// Runs a program to its end.
fn finished(bench: &mut Command) -> Result<ExitCode, String> {
    let status = process::status(bench)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_beside_peers(workspace: &Workspace, options: &[&str]) -> Result<ExitCode, String> {
    let folder = workspace.target.join("bench");
    let guests = folder.join("guests");
    fs::create_dir_all(&guests).map_err(|error| format!("{}: {error}", guests.display()))?;
    let manifest = workspace.root.join("bench/Cargo.toml");
    for (guest, target) in GUESTS {
        ensure_target(workspace, target)?;
        let mut cargo = workspace.cargo(["build", "--profile", "plugin", "--target", target]);
        process::run(cargo.args(["--package", guest, "--manifest-path"]).arg(&manifest))?;
        let file = format!("{}.wasm", guest.replace('-', "_"));
        let built = workspace.target.join(target).join("plugin").join(file);
        fs::copy(&built, guests.join(format!("{guest}.wasm")))
            .map_err(|error| format!("{} cannot be copied: {error}", built.display()))?;
    }
    let mut bench = program(workspace, "wasmill-bench")?;
    bench.args(options).arg("--guests").arg(&guests);
    bench.arg("--samples").arg(folder.join("samples")).arg("--data").arg(folder.join("data"));
    if is_among(&OF_WHOLE_RUNS, options) {
        plugins::run(workspace)?;
        process::run(&mut workspace.cargo(["build", "--release", "--package", "wasmill"]))?;
        bench.arg("--wasmill").arg(workspace.wasmill(Profile::Release));
        bench.arg("--plugins").arg(workspace.installed_plugins());
        bench.arg("--pipelines").arg(workspace.root.join("bench/pipelines"));
    }
    if is_among(&WITH_PYTHON, options) {
        add_python(workspace, &mut bench)?;
    }
    finished(&mut bench)
}

/// Installs the peers in Python, and says where they are.
fn add_python(workspace: &Workspace, bench: &mut Command) -> Result<(), String> {
    let peers = workspace.root.join("bench/peers");
    let requirements = python::requirements(&peers.join("requirements.txt"))?;
    let environment = python::environment(&workspace.target.join("bench/python"), &requirements)?;
    bench.arg("--python").arg(environment.join("bin/python")).arg("--peers").arg(peers);
    Ok(())
}

/// Whether one of `benches` is to run: it is named, or none is and so all are.
fn is_among(benches: &[&str], options: &[&str]) -> bool {
    named(options).is_none_or(|named| benches.contains(&named))
}

/// The benchmark that is named.
fn named<'a>(options: &[&'a str]) -> Option<&'a str> {
    const WITH_VALUES: [&str; 3] = ["--subject", "--target", "--work"];
    let is_value = |index: usize| index > 0 && WITH_VALUES.contains(&options[index - 1]);
    let mut names =
        (0..options.len()).filter(|&index| !is_value(index)).map(|index| options[index]);
    names.find(|option| !option.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_depends_on_the_name() {
        for (options, expected) in [
            (&[][..], true),
            (&["--quick"], true),
            (&["records"], true),
            (&["--json", "records"], true),
            (&["gcd"], false),
            (&["gcd", "--subject", "records"], false),
            (&["--subject", "wasmill"], true),
        ] {
            assert_eq!(is_among(&["records"], options), expected, "{options:?}");
        }
    }
}
