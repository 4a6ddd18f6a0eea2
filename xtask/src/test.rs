//! `cargo xtask test`: everything that must hold before a change is merged.
//!
//! Formatting and lints come first and end it when they fail, as they are quick to mend. What comes after
//! is done as far as possible: a guest that cannot be built does not keep the other tests from running.
//!
//! The last line is `N passed, N failed`. Beside tests, each step that failed and each suite that could not
//! be built or crashed counts as a failure, so that `0 failed` says that all is well.

use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::time::Instant;

use crate::duration::Shown;
use crate::test_output::TestOutput;
use crate::workspace::{Profile, Workspace};
use crate::{components, guests, plugins, process, servers};

/// Runs all of it; the exit code says whether all is well.
pub fn run(workspace: &Workspace) -> ExitCode {
    let mut problems = Vec::new();
    let mut tests = TestOutput::default();
    match check(workspace) {
        Ok(()) => {
            problems.extend(set_up(workspace));
            if let Err(problem) = step("tests", || run_tests(workspace, &mut tests)) {
                problems.push(problem);
            }
        }
        Err(problem) => problems.push(format!("{problem}\nthe tests were not run")),
    }
    problems.append(&mut tests.broken);
    let failed = tests.failed + problems.len() as u64;
    print_failures(&tests.failed_tests, &problems);
    if tests.ignored > 0 {
        println!("{} tests are ignored", tests.ignored);
    }
    println!("{} passed, {failed} failed", tests.passed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Formatting and lints.
fn check(workspace: &Workspace) -> Result<(), String> {
    step("formatting", || process::run(&mut workspace.cargo(["fmt", "--all", "--check"])))
        .map_err(|error| format!("{error}\n`cargo fmt --all` mends it"))?;
    step("lints", || {
        let options = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        process::run(&mut workspace.cargo(options))
    })
}

/// Builds what the tests use; returns what went wrong.
fn set_up(workspace: &Workspace) -> Vec<String> {
    let rust_guests = || {
        let guests: Vec<_> = guests::rust().collect();
        components::build_with_lines(workspace, &guests)
    };
    let steps = [
        step("servers", servers::install),
        step("plugins, and those that attack", || plugins::run(workspace)),
        step("guests in Rust", rust_guests),
        step("guest in Python", || guests::python(workspace)),
        step("guest in JavaScript", || guests::javascript(workspace)),
        // With the tests: what Cargo builds for the command line alone has other features, and would be built twice.
        step("command line and tests", || {
            process::run(&mut workspace.cargo(["build", "--workspace", "--bins", "--tests"]))
        }),
        step("plugins in other languages", || plugins::others(workspace, Profile::Dev)),
    ];
    steps.into_iter().filter_map(Result::err).collect()
}

/// Runs all tests, shows their output as it comes, and counts.
fn run_tests(workspace: &Workspace, tests: &mut TestOutput) -> Result<(), String> {
    let mut cargo = workspace.cargo(["test", "--workspace", "--no-fail-fast"]);
    // Colours would be in the way of reading, and nobody sees them in a pipe.
    cargo.env("CARGO_TERM_COLOR", "never").env("WASMILL_BIN", workspace.wasmill(Profile::Dev));
    let broken_pipe = |error| format!("the output of `cargo test` cannot be read: {error}");
    // One pipe for both streams: Cargo names a suite on one, the suite's results come on the other.
    let (output, stdout) = io::pipe().map_err(broken_pipe)?;
    let stderr = stdout.try_clone().map_err(broken_pipe)?;
    cargo.stdout(stdout).stderr(stderr);
    let mut child = cargo
        .spawn()
        .map_err(|error| format!("`{}` cannot be started: {error}", process::shown(&cargo)))?;
    let command = process::shown(&cargo);
    // The command holds our writing ends; the pipe ends when nobody does.
    drop(cargo);

    let mut output = BufReader::new(output);
    let mut shown = io::stdout().lock();
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).map_err(broken_pipe)? > 0 {
        // Whoever read it may be gone; the count goes on for the exit code.
        let _ = shown.write_all(&line);
        tests.line(&String::from_utf8_lossy(&line));
        line.clear();
    }
    tests.end();
    let status = child.wait().map_err(|error| format!("`{command}`: {error}"))?;
    if !status.success() && tests.failed == 0 && tests.broken.is_empty() {
        return Err(format!("`{command}` failed ({status}); its messages are above"));
    }
    Ok(())
}

/// Runs a step under a heading, and says how long it took.
fn step(name: &str, run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    println!("\n==== {name}");
    let started = Instant::now();
    let result = run().map_err(|problem| format!("{name}: {problem}"));
    println!("==== {name}: {}", Shown(started.elapsed()));
    result
}

fn print_failures(tests: &[String], problems: &[String]) {
    println!();
    for problem in problems {
        println!("failed: {}", problem.replace('\n', "\n        "));
    }
    for test in tests {
        println!("failed: {test}");
    }
}
