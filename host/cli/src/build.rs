//! `wasmill build`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;
use wasmill_build::{BuildError, Built, Interpreter, Language, Report, Tools};
use wasmill_sandbox::component::{Digest, PluginKind};

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::inspect::inspected;
use crate::table::bytes;
use crate::{Output, OutputArgs, json_lines};

pub const EXAMPLES: &str = "\
What is built:
    Cargo.toml      a Rust crate with crate-type = [\"cdylib\"]
    pyproject.toml  a Python project with [tool.wasmill] kind = \"transformer\"
    FILE.py         a Python plugin that is one file: its first lines say what it is
    package.json    a JavaScript or TypeScript project with \"wasmill\": { \"kind\": \"transformer\" }
    plugin.toml     a C or Go plugin (Go has a go.mod too)

Toolchains that are missing come from their registries (PyPI, npm, rustup), in pinned versions, into the cache; after that, the network
is not needed any more.

Examples:
    wasmill build                       the project in this folder
    wasmill build plugins/clean --out dist/clean.wasm
    wasmill build clean_up.py --offline
    wasmill inspect clean.wasm          what was built

A Python plugin without dependencies becomes a script of some KB that needs its interpreter, which lies in the folder `interpreters` beside it:
ship both. With `standalone = true` under [tool.wasmill] it is a component of its own.";

#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The folder of the project, or a plugin that is one file.
    #[arg(default_value = ".")]
    project: PathBuf,
    /// The component to write; NAME.wasm in the current folder where nothing is said.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keeps line tables of C and Rust: faults then name lines of the sources, and the component is larger.
    #[arg(long)]
    lines: bool,
    #[command(flatten)]
    options: BuildOptions,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

/// How projects are built, for every command that does.
#[derive(Debug, Clone, Args)]
pub struct BuildOptions {
    /// Which language, where a folder has projects of several.
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Installs nothing: uses what is in the cache.
    #[arg(long)]
    offline: bool,
    /// Where toolchains are kept. Default: wasmill/tools in your cache folder.
    #[arg(long, value_name = "FOLDER", env = "WASMILL_TOOLS")]
    tools: Option<PathBuf>,
}

impl BuildOptions {
    /// Builds a project so that faults name lines of its sources. Interpreters of scripts are where all scripts of this user find theirs.
    pub fn build(&self, project: &Path, report: &dyn Report) -> Result<Built, Failure> {
        let built = self.build_with(project, true, report)?;
        put_for_user(built.interpreter.as_ref())?;
        Ok(built)
    }

    fn build_with(
        &self,
        project: &Path,
        lines: bool,
        report: &dyn Report,
    ) -> Result<Built, Failure> {
        let tools = self.tools.clone().or_else(wasmill_build::default_cache).ok_or_else(|| {
            Failure::new(
                78,
                "there is no cache folder: neither HOME nor XDG_CACHE_HOME is set; use --tools",
            )
        })?;
        let tools = Tools::new(tools, report).offline(self.offline).lines(lines);
        wasmill_build::build(project, self.lang.map(Into::into), &tools)
            .map_err(|error| Failure::new(exit_code(&error), error.to_string()))
    }
}

/// A component where it was wanted.
pub struct Written {
    pub file: PathBuf,
    pub name: String,
    pub version: String,
    pub bytes: u64,
}

/// Writes a component, and the interpreter beside it where it needs one.
pub fn write(file: &Path, built: &Built) -> Result<Written, Failure> {
    replace(file, &built.component)?;
    put_interpreter(file, built.interpreter.as_ref())?;
    Ok(Written {
        file: file.to_owned(),
        name: built.project.name.clone(),
        version: built.project.version.clone(),
        bytes: built.component.len() as u64,
    })
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Lang {
    Rust,
    Python,
    /// TypeScript too.
    Js,
    C,
    Go,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Rust => Self::Rust,
            Lang::Python => Self::Python,
            Lang::Js => Self::Js,
            Lang::C => Self::C,
            Lang::Go => Self::Go,
        }
    }
}

/// Says to standard error what is being done.
pub struct Steps;

impl Report for Steps {
    fn step(&self, text: &str) {
        eprintln!("{text}");
    }
}

/// Builds a plugin, and sees whether it is one.
pub async fn build(args: &BuildArgs) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let built = args.options.build_with(&args.project, args.lines, &Steps)?;
    let file = args.out.clone().unwrap_or_else(|| format!("{}.wasm", built.project.name).into());
    replace(&file, &built.component)?;
    let interpreter_file = put_interpreter(&file, built.interpreter.as_ref())?;
    let component: Arc<[u8]> = built.component.as_slice().into();
    let digest = Digest::of(&component).to_string();
    let (plugin, descriptor) = inspected(&file, component, &args.compiling).await?;
    let seconds = started.elapsed().as_secs_f64();
    let interpreter = built.interpreter.as_ref();
    if args.output.output == Output::Json {
        json_lines::print(&json!({
            "file": file,
            "name": descriptor.name,
            "version": descriptor.version,
            "kind": plugin.kind(),
            "language": built.project.language.name(),
            "digest": digest,
            "bytes": plugin.size(),
            "interpreter": interpreter.map(|interpreter| &interpreter.digest),
            "interpreter_bytes": interpreter.map(|interpreter| interpreter.component.len()),
            "seconds": seconds,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    say!(
        "{} {}: {} {} in {}",
        descriptor.name,
        descriptor.version,
        if plugin.kind() == PluginKind::Extractor { "an" } else { "a" },
        plugin.kind(),
        built.project.language.title()
    );
    say!("file     {}", file.display());
    say!("digest   {digest}");
    say!("size     {}", bytes(plugin.size() as u64));
    if let (Some(interpreter), Some(file)) = (interpreter, interpreter_file) {
        let size = bytes(interpreter.component.len() as u64);
        say!("runs in  {} ({size})", file.display());
    }
    say!("built in {seconds:.1} s");
    Ok(ExitCode::SUCCESS)
}

/// Puts the interpreter of a script beside it, and where all scripts of this user find theirs.
fn put_interpreter(
    script: &Path,
    interpreter: Option<&Interpreter>,
) -> Result<Option<PathBuf>, Failure> {
    let Some(interpreter) = interpreter else { return Ok(None) };
    let put = |folder: &Path| {
        interpreter.put_into(folder).map_err(|error| Failure::new(74, error.to_string()))
    };
    put_for_user(Some(interpreter))?;
    put(&script.parent().unwrap_or(Path::new("")).join(wasmill_sandbox::script::FOLDER)).map(Some)
}

/// Puts the interpreter of a script where all scripts of this user find theirs.
fn put_for_user(interpreter: Option<&Interpreter>) -> Result<(), Failure> {
    let (Some(interpreter), Some(folder)) = (interpreter, wasmill_build::default_interpreters())
    else {
        return Ok(());
    };
    interpreter.put_into(&folder).map(drop).map_err(|error| Failure::new(74, error.to_string()))
}

/// Writes a file beside its place and renames it: a run that starts meanwhile reads the old one or the new one.
fn replace(file: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::new(74, format!("cannot write {}: {error}", file.display()));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let unfinished = file.with_extension(format!("{}.unfinished", std::process::id()));
    std::fs::write(&unfinished, content).map_err(failed)?;
    std::fs::rename(&unfinished, file).map_err(failed)
}

fn exit_code(error: &BuildError) -> u8 {
    match error {
        BuildError::NoProject { .. } => 66,
        BuildError::Manifest { .. } => 78,
        BuildError::Tool(_) | BuildError::Component { .. } => 65,
        BuildError::Io { .. } => 74,
        BuildError::Missing { .. } | BuildError::Offline { .. } | BuildError::Install { .. } => 69,
    }
}
