//! The program behind `cargo xtask conformance`: builds the plugins of languages, runs every case, and says how it went.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a command line")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use serde_json::json;
use wasmill_build::{BuildError, Kind, Language, Report, Tools};
use wasmill_conformance::plugins::{Components, Plugins};
use wasmill_conformance::{Suite, frozen, run};
use wasmill_sandbox::cache::ComponentCache;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};

/// Runs the conformance suite on the plugins of one language, or of all.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only this language: rust, python, js, c or go.
    #[arg(long)]
    language: Option<String>,
    /// Components that were built before, a folder with `transformer.wasm` and so on: needs --language.
    #[arg(long, requires = "language")]
    plugins: Option<PathBuf>,
    /// Where the projects are: a folder for each language, in it one for each kind.
    #[arg(long, default_value = "tests/conformance/plugins")]
    projects: PathBuf,
    /// Only cases whose names hold this.
    #[arg(long)]
    case: Option<String>,
    /// Also says which cases passed.
    #[arg(long)]
    verbose: bool,
    /// One JSON object a line for each language, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Keeps the components that were built in this folder, one for each language.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Once all languages pass, keeps the contract and the components in Rust in this folder, as those of the contract's version.
    #[arg(long, conflicts_with_all = ["language", "case"])]
    freeze: Option<PathBuf>,
}

struct Steps;

impl Report for Steps {
    fn step(&self, text: &str) {
        eprintln!("  {text}");
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = |language: &Language| {
        arguments.language.as_deref().is_none_or(|name| name == language.name())
    };
    let languages: Vec<Language> = Language::ALL.into_iter().filter(wanted).collect();
    if languages.is_empty() {
        eprintln!(
            "error: there is no such language; there are {}",
            Language::ALL.map(Language::name).join(", ")
        );
        return ExitCode::from(2);
    }
    let mut failed = false;
    for language in languages {
        match conforms(language, &arguments).await {
            Ok(passes) => failed |= !passes,
            Err(message) => {
                eprintln!("error: {language}: {message}");
                failed = true;
            }
        }
    }
    if failed {
        return ExitCode::FAILURE;
    }
    if let Some(folder) = &arguments.freeze {
        let frozen = built(Language::Rust, &arguments)
            .map_err(|error| error.to_string())
            .and_then(|components| frozen::freeze(folder, &components));
        match frozen {
            Ok(folder) => eprintln!("frozen in {}", folder.display()),
            Err(message) => {
                eprintln!("error: {message}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Whether the plugins of a language pass all cases.
async fn conforms(language: Language, arguments: &Arguments) -> Result<bool, String> {
    let started = Instant::now();
    let components = match &arguments.plugins {
        Some(folder) => Components::read(folder).map_err(|error| error.to_string())?,
        None => built(language, arguments).map_err(|error| error.to_string())?,
    };
    let build_seconds = started.elapsed().as_secs_f64();
    let sandbox = sandbox()?;
    let plugins = Plugins::load(&sandbox, &components).await?;
    let suite = Suite { plugins, only: arguments.case.clone() };
    let report = run(&suite).await;
    for case in &report.cases {
        match &case.outcome {
            Ok(()) if arguments.verbose => eprintln!("ok     {language} {}", case.name),
            Ok(()) => {}
            Err(message) => eprintln!("FAILED {language} {}: {message}", case.name),
        }
    }
    let (passed, failed) = (report.passed(), report.cases.len() - report.passed());
    let bytes = components.bytes(Kind::Transformer).len();
    if arguments.json {
        let line = json!({
            "language": language.name(),
            "passed": passed,
            "failed": failed,
            "component_bytes": bytes,
            "build_seconds": round(build_seconds),
            "start_ms": round(report.start_ms),
        });
        println!("{line}");
    } else {
        println!(
            "{:<8} {passed} passed, {failed} failed; a component has {} KB; built in {build_seconds:.1} s; starts in {:.2} ms",
            language.name(),
            bytes.div_ceil(1000),
            report.start_ms
        );
    }
    Ok(failed == 0 && passed > 0)
}

fn built(language: Language, arguments: &Arguments) -> Result<Components, BuildError> {
    let cache = wasmill_build::default_cache().ok_or_else(|| BuildError::Missing {
        what: "a cache folder".to_owned(),
        hint: "set HOME or XDG_CACHE_HOME".to_owned(),
    })?;
    let tools = Tools::new(cache, &Steps);
    let projects = arguments.projects.join(language.name());
    let components = Components::build(&projects, language, &tools)?;
    if let Some(folder) = &arguments.keep {
        let folder = folder.join(language.name());
        let written = components.write(&folder);
        written.map_err(|source| BuildError::Io { path: folder, source })?;
    }
    Ok(components)
}

fn sandbox() -> Result<Sandbox, String> {
    let folder = wasmill_build::default_cache().ok_or("neither HOME nor XDG_CACHE_HOME is set")?;
    let folder = folder.parent().ok_or("the cache folder has no parent")?.join("conformance");
    let cache = ComponentCache::open(folder).map_err(|error| error.to_string())?;
    let compiler = Compiler::new().cached_in(Arc::new(cache));
    let options = SandboxOptions { compiler, ..SandboxOptions::new(8) };
    Sandbox::with_options(options).map_err(|error| error.to_string())
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
