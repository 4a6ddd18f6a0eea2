//! `cargo xtask fuzz`: each target of fuzz/ for a while, by libFuzzer.
//!
//! What libFuzzer goes by is which branches an input reaches. The compiler counts them when it is asked to, on stable Rust too,
//! and is asked to for our own crates only: Cargo runs it for them through a wrapper, which is this program ([`compile`]). What
//! they depend on is built once, for everything.
//!
//! Inputs that reached something new are kept in the target directory, and the next run begins with them and the committed
//! seeds. The last line is one JSON object.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::process;
use crate::workspace::Workspace;

/// Says to this program that Cargo runs it instead of the compiler.
const WRAPPER_VARIABLE: &str = "WASMILL_FUZZ_WRAPPER";
/// Says to the fuzzer which target it is to work on.
const TARGET_VARIABLE: &str = "WASMILL_FUZZ_TARGET";
const DEFAULT_SECONDS: u64 = 30;
/// How much of what libFuzzer says is shown when it has found something.
const SHOWN_LINES: usize = 60;

/// As cargo-fuzz has it: count branches in tables of their own, and tell libFuzzer what is compared with what.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
];
/// Counting costs less in code that was optimised; the checks stay.
const CHECKED: [&str; 3] = ["-Copt-level=1", "-Cdebug-assertions=on", "-Coverflow-checks=on"];

/// Limits of one input. Of what a component of 64 KiB may take to compile, and a machine that is busy.
const LIMITS: [&str; 4] =
    ["-timeout=60", "-rss_limit_mb=3072", "-max_len=65536", "-len_control=20"];

/// The arguments of the compiler, where this program is run instead of it.
pub fn wrapped_compiler() -> Option<Vec<String>> {
    env::var_os(WRAPPER_VARIABLE).map(|_| env::args().skip(1).collect())
}

/// Runs the compiler as Cargo would, and has it count branches where that is wanted.
///
/// # Errors
///
/// When the compiler cannot be started.
pub fn compile(arguments: &[String]) -> Result<ExitCode, String> {
    let (compiler, arguments) = arguments.split_first().ok_or("no compiler to run")?;
    let mut compiler = Command::new(compiler);
    compiler.args(arguments);
    if is_counted(arguments) {
        compiler.args(COVERAGE).args(CHECKED);
    }
    let status = process::status(&mut compiler)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a crate is part of the host or the targets: not a build script, and not a macro, which runs in the compiler.
fn is_counted(arguments: &[String]) -> bool {
    let value = |option: &str| {
        let position = arguments.iter().position(|argument| argument == option)?;
        arguments.get(position + 1).map(String::as_str)
    };
    value("--crate-name").is_some_and(|name| name.starts_with("wasmill_"))
        && value("--crate-type").is_some_and(|kind| kind != "proc-macro")
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    /// These targets, for so many seconds each.
    Search { targets: Vec<String>, seconds: u64 },
    /// One input once more.
    Repeat { target: String, input: PathBuf },
}

/// Builds the fuzzer and runs it.
///
/// # Errors
///
/// When the arguments make no sense, the build fails, or files cannot be written.
pub fn run(workspace: &Workspace, arguments: &[&str]) -> Result<ExitCode, String> {
    // Each target has a folder of seeds; a test of fuzz/ sees to it.
    let known = workspace.folders("fuzz/seeds")?;
    let request = request(arguments, &known)?;
    let fuzzer = build(workspace)?;
    let success = match request {
        Request::Search { targets, seconds } => search(workspace, &fuzzer, &targets, seconds)?,
        Request::Repeat { target, input } => {
            let mut repeat = Command::new(fuzzer);
            repeat.env(TARGET_VARIABLE, target).args(LIMITS).arg(input);
            process::status(&mut repeat)?.success()
        }
    };
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn request(arguments: &[&str], known: &[String]) -> Result<Request, String> {
    let mut seconds = DEFAULT_SECONDS;
    let mut named = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if *argument == "--seconds" {
            let value = rest.next().and_then(|value| value.parse().ok()).filter(|&value| value > 0);
            seconds = value.ok_or("--seconds takes a number of seconds, at least 1")?;
        } else {
            named.push(*argument);
        }
    }
    if let Some(target) = named.first()
        && !known.iter().any(|known| known == target)
    {
        return Err(format!("there is no target `{target}`; there are {}", known.join(", ")));
    }
    match named[..] {
        [] => Ok(Request::Search { targets: known.to_vec(), seconds }),
        [target] => Ok(Request::Search { targets: vec![target.to_owned()], seconds }),
        [target, input] => Ok(Request::Repeat { target: target.to_owned(), input: input.into() }),
        _ => Err("one target and one input at most".to_owned()),
    }
}

/// The fuzzer, with our crates counted. Cargo keeps them apart from the ordinary ones, because a wrapper made them.
fn build(workspace: &Workspace) -> Result<PathBuf, String> {
    let wrapper = env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    // With the whole workspace, so that what we depend on has the same features, and is not built once more.
    let mut cargo = workspace.cargo(["build", "--workspace", "--bin", "wasmill-fuzz"]);
    cargo.args(["--features", "wasmill-fuzz/libfuzzer"]);
    cargo.env("RUSTC_WORKSPACE_WRAPPER", wrapper).env(WRAPPER_VARIABLE, "1");
    process::run(&mut cargo)?;
    // Where whoever builds the same program without counters puts it too.
    let built =
        workspace.target.join("debug").join(format!("wasmill-fuzz{}", env::consts::EXE_SUFFIX));
    let fuzzer = workspace.target.join("fuzz").join("wasmill-fuzz");
    fs::create_dir_all(workspace.target.join("fuzz"))
        .and_then(|()| fs::copy(&built, &fuzzer))
        .map_err(|error| format!("{} cannot be copied: {error}", built.display()))?;
    Ok(fuzzer)
}

/// Runs the targets one after another; whether none has found anything.
fn search(
    workspace: &Workspace,
    fuzzer: &Path,
    targets: &[String],
    seconds: u64,
) -> Result<bool, String> {
    let mut executions = 0;
    let mut crashes = 0;
    for target in targets {
        println!("\n==== {target}: {seconds} s");
        let found = run_target(workspace, fuzzer, target, seconds)?;
        executions += found.executions;
        if let Some(input) = &found.input {
            crashes += 1;
            println!("{target}: found something; this input shows it: {}", input.display());
            println!("run it again: cargo xtask fuzz {target} {}", input.display());
        }
        println!("==== {target}: {} executions", found.executions);
    }
    println!(
        r#"{{"targets":{},"seconds":{seconds},"executions":{executions},"crashes":{crashes}}}"#,
        targets.len()
    );
    Ok(crashes == 0)
}

/// What came of one run of libFuzzer.
struct Found {
    executions: u64,
    /// The input that ended it, where one did.
    input: Option<PathBuf>,
}

fn run_target(
    workspace: &Workspace,
    fuzzer: &Path,
    target: &str,
    seconds: u64,
) -> Result<Found, String> {
    let folder = workspace.target.join("fuzz").join(target);
    let (corpus, inputs) = (folder.join("corpus"), folder.join("found"));
    for folder in [&corpus, &inputs] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut command = Command::new(fuzzer);
    command.env(TARGET_VARIABLE, target).args(LIMITS);
    command.args([format!("-max_total_time={seconds}"), "-print_final_stats=1".to_owned()]);
    command.arg(format!("-artifact_prefix={}/", inputs.display()));
    // New inputs go to the first folder.
    command.arg(corpus).arg(workspace.root.join("fuzz/seeds").join(target));
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{}` cannot be started: {error}", process::shown(&command)))?;
    let stderr = child.stderr.take().expect("standard error is piped");
    let mut said = Said::default();
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line.map_err(|error| format!("the output of the fuzzer: {error}"))?;
        said.line(&String::from_utf8_lossy(&line));
    }
    let status = child.wait().map_err(|error| format!("waiting for the fuzzer: {error}"))?;
    if status.success() {
        return Ok(Found { executions: said.executions, input: None });
    }
    said.lines.iter().for_each(|line| println!("{line}"));
    match said.input {
        Some(input) => Ok(Found { executions: said.executions, input: Some(input) }),
        None => Err(format!("the fuzzer ended without an input to show ({status}); see above")),
    }
}

/// What libFuzzer says, as far as it matters here.
#[derive(Debug, Default)]
struct Said {
    executions: u64,
    input: Option<PathBuf>,
    /// The last lines but those about progress.
    lines: VecDeque<String>,
}

impl Said {
    fn line(&mut self, line: &str) {
        if let Some(progress) = line.strip_prefix('#') {
            // At powers of two, and first and last; what is new comes by the thousand.
            if ["INITED", "pulse", "DONE"].iter().any(|word| progress.contains(word)) {
                println!("{line}");
            }
            return;
        }
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = count.trim().parse().unwrap_or(0);
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            // Inputs that are merely slow are written too, and end nothing.
            if !path.contains("/slow-unit-") {
                self.input = Some(path.trim().into());
            }
        }
        if self.lines.len() == SHOWN_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn arguments_are_understood() {
        let known = ["ipc".to_owned(), "json".to_owned()];
        let search = |targets: &[&str], seconds| Request::Search {
            targets: targets.iter().map(|&target| target.to_owned()).collect(),
            seconds,
        };
        let repeat = Request::Repeat { target: "ipc".to_owned(), input: "a/b".into() };
        for (line, expected) in [
            ("", Some(search(&["ipc", "json"], DEFAULT_SECONDS))),
            ("--seconds 5", Some(search(&["ipc", "json"], 5))),
            ("json --seconds 5", Some(search(&["json"], 5))),
            ("--seconds 5 json", Some(search(&["json"], 5))),
            ("ipc a/b", Some(repeat)),
            ("xml", None),
            ("json --seconds", None),
            ("json --seconds 0", None),
            ("ipc a/b c/d", None),
        ] {
            assert_eq!(request(&words(line), &known).ok(), expected, "{line}");
        }
    }

    #[test]
    fn only_our_own_crates_are_counted() {
        let counted = |line: &str| {
            let arguments: Vec<String> = words(line).into_iter().map(str::to_owned).collect();
            is_counted(&arguments)
        };
        assert!(counted("--crate-name wasmill_contract --edition=2024 --crate-type lib"));
        assert!(counted("--crate-name wasmill_fuzz --crate-type bin"));
        assert!(!counted("--crate-name wasmill_plugin_sdk_macros --crate-type proc-macro"));
        assert!(!counted("--crate-name build_script_build --crate-type bin"));
        assert!(!counted("-vV"));
    }

    #[test]
    fn what_libfuzzer_says_is_read() {
        let mut said = Said::default();
        for line in [
            "#2\tINITED cov: 3 ft: 3 corp: 1/1b exec/s: 0 rss: 40Mb",
            "artifact_prefix='x/'; Test unit written to /t/found/slow-unit-01",
            "artifact_prefix='x/'; Test unit written to /t/found/crash-02",
            "stat::number_of_executed_units: 1234",
        ] {
            said.line(line);
        }
        assert_eq!(said.executions, 1234);
        assert_eq!(said.input.as_deref(), Some(Path::new("/t/found/crash-02")));
        assert_eq!(said.lines.len(), 3);
    }
}
