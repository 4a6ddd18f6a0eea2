//! `wasmill test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use wasmill_fixtures::compare::Mismatch;
use wasmill_fixtures::file::{Case, FixtureFile, Http, files_of};
use wasmill_fixtures::fuzz::{self, Broken, FuzzError};
use wasmill_fixtures::junit;
use wasmill_fixtures::ran::Ran;
use wasmill_fixtures::record::{self, Recording};
use wasmill_fixtures::run::{self, Actual};
use wasmill_fixtures::update::Rewriting;
use wasmill_pipeline::error::chain;
use wasmill_pipeline::numbers::grouped;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};

use crate::build::{BuildOptions, Steps};
use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::paint::{Colour, Paint};
use crate::{Output, OutputArgs, findings, json_lines};

pub const EXAMPLES: &str = "\
Cases are in tests/*.toml of the project. Each says what goes in, and what has to come out:
    [[case]]
    name = \"a price with tax\"
    config = { rate = 0.19 }
    schema = { net = \"float64\" }
    rows = [{ net = 100.0 }, { net = -1.0 }]
    expect.rows = [{ net = 100.0, gross = 119.0 }]
    expect.rejected = [{ row = 1, rule = \"negative\", column = \"net\" }]
docs/plugins/testing.md has all keys.

Examples:
    wasmill test                            builds the project in this folder, and runs its cases
    wasmill test plugins/clean --case dates only cases whose names hold this
    wasmill test --plugin clean.wasm        the same cases, for a component that somebody else built
    wasmill test --update                   has cases that fail expect what came: look at the difference before you commit it
    wasmill test --record --connections pipeline.toml
                                            asks the real servers, and keeps what they said in the files that `http` names
    wasmill test --fuzz 60                  a minute of random rows for the same configurations and columns
    wasmill test --junit results.xml        for CI

Exit codes:
    0  all cases pass, and random rows break nothing
    2  the command line is wrong
   65  a case fails or grants too little, random rows break the plugin, or it does not compile
   66  there is no such project, component or case
   69  a toolchain is missing, and cannot be installed
   74  reading or writing failed
   78  a file of cases is wrong, or the component is no plugin";

#[derive(Debug, Args)]
pub struct TestArgs {
    /// The folder of the project, or a plugin that is one file.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// Tests this component instead of building the project.
    #[arg(long, value_name = "FILE.wasm")]
    plugin: Option<PathBuf>,
    /// Only cases whose names hold this.
    #[arg(long, value_name = "PART")]
    case: Option<String>,
    /// Rewrites what cases expect as things came. Budgets of fuel, logs and exchanges stay as they are.
    #[arg(long)]
    update: bool,
    /// Sends requests through real connections, and writes them with their answers to the files that `http` names, without
    /// secrets.
    #[arg(long, requires = "connections")]
    record: bool,
    /// The file with [connections.NAME] for --record, such as a pipeline file.
    #[arg(long, value_name = "FILE", requires = "record")]
    connections: Option<PathBuf>,
    /// Then tries random rows for so many seconds; those that break the plugin become a case.
    #[arg(long, value_name = "SECONDS")]
    fuzz: Option<u64>,
    /// Of the random rows: the same seed tries the same ones.
    #[arg(long, default_value_t = 1, requires = "fuzz")]
    seed: u64,
    /// Writes results as JUnit XML too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    building: BuildOptions,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

/// Runs the cases of a plugin.
pub async fn test(args: &TestArgs) -> Result<ExitCode, Failure> {
    let files = read(&args.project)?;
    let recording = args.connections.as_deref().map(recording).transpose()?;
    let plugin = plugin(args).await?;
    let started = Instant::now();
    let mut results = Vec::new();
    let (mut passed, mut failed, mut updated) = (0_usize, 0_usize, 0_usize);
    for file in &files {
        let mut rewriting = None;
        let mut ran_of_file = Vec::new();
        for (number, case) in file.cases.iter().enumerate() {
            if args.case.as_ref().is_some_and(|part| !case.name.contains(part.as_str())) {
                continue;
            }
            let (ran, actual) = one(&plugin, case, recording.as_ref(), args).await?;
            let mut is_updated = false;
            if let (true, false, Some(actual)) = (args.update, ran.has_passed(), &actual) {
                let rewriting = match &mut rewriting {
                    Some(rewriting) => rewriting,
                    none => none.insert(
                        Rewriting::read(&file.path).map_err(|error| Failure::new(74, error))?,
                    ),
                };
                rewriting.expect(number, case, actual).map_err(|error| {
                    Failure::new(74, format!("{}: {error}", run::place(case, &file.path)))
                })?;
                is_updated = true;
            }
            match (ran.has_passed(), is_updated) {
                (true, _) => passed += 1,
                (false, true) => updated += 1,
                (false, false) => failed += 1,
            }
            print(args, &file.path, &ran, actual.as_ref(), is_updated, ran_of_file.is_empty());
            ran_of_file.push(ran);
        }
        if let Some(rewriting) = rewriting {
            rewriting.write(&file.path).map_err(|error| Failure::new(74, error))?;
        }
        results.push((file.path.display().to_string(), ran_of_file));
    }
    if passed + failed + updated == 0 {
        let part = args.case.as_deref().unwrap_or_default();
        return Err(Failure::new(66, format!("no case has a name with `{part}` in it")));
    }
    if let Some(path) = &args.junit {
        let name = args.project.canonicalize().unwrap_or_else(|_| args.project.clone());
        let name = name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let xml = junit::report(&name, &results).map_err(|error| Failure::new(74, error))?;
        std::fs::write(path, xml).map_err(|error| {
            Failure::new(74, format!("cannot write {}: {error}", path.display()))
        })?;
    }
    let broken = match args.fuzz {
        Some(seconds) => fuzz(&plugin, &files, seconds, args).await?,
        None => false,
    };
    let seconds = started.elapsed().as_secs_f64();
    if args.output.output == Output::Json {
        json_lines::print(&json!({
            "event": "finished", "passed": passed, "failed": failed, "updated": updated, "broken": broken, "seconds": seconds,
        }));
    } else {
        let updated = if updated > 0 {
            format!(", {updated} rewritten: look at the difference")
        } else {
            String::new()
        };
        say!("\n{passed} passed, {failed} failed{updated} in {seconds:.1} s");
    }
    Ok(ExitCode::from(if failed > 0 || broken { 65 } else { 0 }))
}

fn read(project: &Path) -> Result<Vec<FixtureFile>, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(74, format!("{}: {error}", project.display()));
    if !project.exists() {
        return Err(Failure::new(66, format!("there is no {}", project.display())));
    }
    let paths = files_of(project).map_err(failed)?;
    if paths.is_empty() {
        let folder =
            if project.is_file() { project.parent().unwrap_or(Path::new("")) } else { project };
        let message = format!(
            "{} has no cases: no file is named {}",
            project.display(),
            folder.join("tests/*.toml").display()
        );
        return Err(Failure::new(66, message)
            .hint("`wasmill test --help` shows one; `wasmill new` makes a project with some"));
    }
    let mut files = Vec::new();
    let mut wrong = Vec::new();
    for path in paths {
        match FixtureFile::read(&path) {
            Ok(file) => files.push(file),
            Err(found) => wrong.extend(found),
        }
    }
    if wrong.is_empty() {
        return Ok(files);
    }
    findings::print(&wrong, Output::Text);
    Err(Failure::new(78, format!("the cases cannot be run: {}", findings::counted(&wrong))))
}

fn recording(file: &Path) -> Result<Recording, Failure> {
    Recording::from_file(file).map_err(|wrong| {
        findings::print(&wrong, Output::Text);
        Failure::new(78, format!("nothing can be recorded: {}", findings::counted(&wrong)))
    })
}

/// The component that is to be tested: one that is there, or what the project is built to.
async fn plugin(args: &TestArgs) -> Result<Plugin, Failure> {
    let (component, beside): (Arc<[u8]>, Option<PathBuf>) = match &args.plugin {
        Some(path) => {
            let component = std::fs::read(path).map_err(|error| {
                let exit_code = if error.kind() == std::io::ErrorKind::NotFound { 66 } else { 74 };
                Failure::new(exit_code, format!("cannot read {}: {error}", path.display()))
            })?;
            (component.into(), path.parent().map(Path::to_owned))
        }
        None => {
            let built = args.building.build(&args.project, &Steps)?;
            (built.component.into(), None)
        }
    };
    load(component, beside.as_deref(), &args.compiling).await
}

/// The plugin that a component is. Interpreters of scripts are looked for in the folder `beside` too.
pub async fn load(
    component: Arc<[u8]>,
    beside: Option<&Path>,
    compiling: &CompileArgs,
) -> Result<Plugin, Failure> {
    let options = SandboxOptions { compiler: compiling.compiler(), ..SandboxOptions::new(1) };
    let sandbox =
        Sandbox::with_options(options).map_err(|error| Failure::from_error(70, &error))?;
    let loaded = sandbox.load_beside(component, beside).await;
    loaded.map_err(|error| Failure::new(78, format!("this is no plugin: {}", chain(&error))))
}

/// Runs one case; with what came of it, where it could be run.
async fn one(
    plugin: &Plugin,
    case: &Case,
    recording: Option<&Recording>,
    args: &TestArgs,
) -> Result<(Ran, Option<Actual>), Failure> {
    // What is given in the case is not asked for again.
    let recorded = match (&case.http, recording, args.record) {
        (Http::Recorded(file), Some(recording), true) => Some((case.folder.join(file), recording)),
        _ => None,
    };
    let recording = recorded.as_ref().map(|(_, recording)| *recording);
    let (ran, actual, exchanges) = Ran::run(plugin, case, recording).await;
    if let (Some((file, _)), Some(_)) = (recorded, &actual) {
        record::write(&file, &exchanges).map_err(|error| Failure::new(74, error))?;
    }
    Ok((ran, actual))
}

fn print(
    args: &TestArgs,
    file: &Path,
    ran: &Ran,
    actual: Option<&Actual>,
    is_updated: bool,
    is_first: bool,
) {
    let status = match (ran.has_passed(), is_updated) {
        (true, _) => "ok",
        (false, true) => "updated",
        (false, false) => "FAILED",
    };
    let fuel = actual.and_then(|actual| actual.usage).map_or(0, |usage| usage.fuel);
    let rows = actual.map_or(0, |actual| actual.rows);
    if args.output.output == Output::Json {
        let (mismatches, error) = match &ran.result {
            Ok(mismatches) => (mismatches.as_slice(), None),
            Err(error) => (&[] as &[Mismatch], Some(error)),
        };
        return json_lines::print(&json!({
            "event": "case", "file": file, "line": ran.line, "case": ran.name, "status": status.to_lowercase(),
            "error": error, "mismatches": mismatches, "rows": rows, "fuel": fuel, "seconds": ran.time.as_secs_f64(),
        }));
    }
    let paint = Paint::detect();
    if is_first {
        say!("{}", file.display());
    }
    if ran.has_passed() {
        return say!(
            "  {} {}  {} fuel/row",
            paint.paint(Colour::New, "ok     "),
            ran.name,
            grouped(fuel / rows.max(1))
        );
    }
    let colour = if is_updated { Colour::Changed } else { Colour::Gone };
    say!("  {} {}  (line {})", paint.paint(colour, &format!("{status:<7}")), ran.name, ran.line);
    match &ran.result {
        Ok(mismatches) => {
            for mismatch in mismatches {
                say!("          {}: {}", mismatch.what, mismatch.summary);
                for line in mismatch.detail.lines() {
                    let line = match line.chars().next() {
                        Some('-') => paint.paint(Colour::Gone, line),
                        Some('+') => paint.paint(Colour::New, line),
                        _ => line.to_owned(),
                    };
                    say!("            {line}");
                }
            }
        }
        Err(error) => say!("          {error}"),
    }
}

/// Tries random rows; whether they broke the plugin.
async fn fuzz(
    plugin: &Plugin,
    files: &[FixtureFile],
    seconds: u64,
    args: &TestArgs,
) -> Result<bool, Failure> {
    let cases: Vec<Case> = files.iter().flat_map(|file| file.cases.iter().cloned()).collect();
    let report = fuzz::fuzz(plugin, &cases, Duration::from_secs(seconds), args.seed)
        .await
        .map_err(|error| {
            let exit_code = if matches!(error, FuzzError::Case(_)) { 78 } else { 66 };
            Failure::new(exit_code, error.to_string())
        })?;
    if args.output.output == Output::Text {
        say!(
            "\nrandom rows: {} in {} batches, of which the plugin refused {}",
            grouped(report.rows),
            grouped(report.batches),
            grouped(report.refused)
        );
    }
    let Some(broken) = report.found else {
        if args.output.output == Output::Json {
            json_lines::print(&json!({
                "event": "fuzz", "batches": report.batches, "rows": report.rows, "refused": report.refused, "found": null,
            }));
        }
        return Ok(false);
    };
    let file = keep(&args.project, &broken)?;
    if args.output.output == Output::Json {
        json_lines::print(&json!({
            "event": "fuzz", "batches": report.batches, "rows": report.rows, "refused": report.refused,
            "found": {
                "kind": broken.failed.kind, "message": broken.failed.explained, "rows": broken.case.rows,
                "config": broken.case.config, "file": file,
            },
        }));
        return Ok(true);
    }
    say!("  {} {}", Paint::detect().paint(Colour::Gone, "BROKEN "), broken.failed.explained);
    let smallest = if broken.is_smallest { "" } else { ", and maybe fewer would do" };
    say!(
        "          {} of {} rows are enough{smallest}",
        broken.case.rows.len(),
        broken.rows_at_first
    );
    for row in &broken.case.rows {
        say!("            {}", serde_json::Value::Object(row.clone()));
    }
    say!("          kept as a case that fails until the plugin is mended: {}", file.display());
    Ok(true)
}

/// Writes what broke a plugin as a case of its own file.
fn keep(project: &Path, broken: &Broken) -> Result<PathBuf, Failure> {
    let folder =
        if project.is_file() { project.parent().unwrap_or(Path::new("")) } else { project }
            .join("tests");
    let stem = match project.file_stem() {
        Some(stem) if project.is_file() => format!("{}-broken", stem.to_string_lossy()),
        _ => "broken".to_owned(),
    };
    let free = (1..)
        .map(|number| folder.join(format!("{stem}-{number}.toml")))
        .find(|path| !path.exists());
    let file = free.expect("there are more numbers than files");
    let text = broken.as_toml().map_err(|error| Failure::new(74, error))?;
    std::fs::write(&file, text)
        .map_err(|error| Failure::new(74, format!("cannot write {}: {error}", file.display())))?;
    Ok(file)
}
