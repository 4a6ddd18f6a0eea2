//! Rust: Cargo makes a component by itself, for the target `wasm32-wasip2`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{BuildError, Project, Tools};

const TARGET: &str = "wasm32-wasip2";
const HINT: &str = "install Rust (https://rustup.rs)";

pub(super) fn build(project: &Project, tools: &Tools<'_>) -> Result<Vec<u8>, BuildError> {
    ensure_target(project, tools)?;
    let mut cargo = tools.program("cargo", HINT)?;
    cargo.current_dir(&project.folder);
    cargo.args([
        "build",
        "--release",
        "--target",
        TARGET,
        "--message-format",
        "json-render-diagnostics",
    ]);
    // What every plugin wants, whatever its manifest says: small, and with names for stack traces.
    let lines = match tools.keeps_lines() {
        false => ["debug=\"none\"", "strip=\"debuginfo\""],
        true => ["debug=\"line-tables-only\"", "strip=\"none\""],
    };
    let settings = ["opt-level=3", "lto=\"fat\"", "codegen-units=1", "panic=\"abort\""];
    for setting in settings.into_iter().chain(lines) {
        cargo.args(["--config", &format!("profile.release.{setting}")]);
    }
    // Panics say where they come from. Where that lies on the author's machine is nobody's business.
    if let Some(home) = cargo_home() {
        let remap = format!("--remap-path-prefix={}=cargo", home.display());
        cargo.args(["--config", &format!("target.{TARGET}.rustflags=[{remap:?}]")]);
    }
    let messages = tools.run("cargo build", &mut cargo, &project.folder)?;
    let component = artifact(&messages, &project.manifest).ok_or_else(|| {
        BuildError::manifest(
            &project.manifest,
            "it makes no component: [lib] needs crate-type = [\"cdylib\"]",
        )
    })?;
    fs::read(&component).map_err(BuildError::io(&component))
}

/// Where Cargo keeps the sources of dependencies.
fn cargo_home() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("CARGO_HOME").or_else(|| Some(set("HOME")?.join(".cargo")))
}

/// The `.wasm` file that cargo says it made of this package.
fn artifact(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        #[serde(default)]
        manifest_path: PathBuf,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    let messages = messages.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let of_package = messages.filter(|message| message.manifest_path == manifest);
    let files: Vec<PathBuf> = of_package.flat_map(|message| message.filenames).collect();
    files.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

/// Makes sure that there is a standard library for the target, whether it came from rustup or from elsewhere.
fn ensure_target(project: &Project, tools: &Tools<'_>) -> Result<(), BuildError> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let mut rustc = tools.program(&rustc, HINT)?;
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(&project.folder);
    let output = rustc.output().map_err(BuildError::io(Path::new("rustc")))?;
    if Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(());
    }
    let hint = format!(
        "the standard library for {TARGET} is missing, and so is rustup, which would install it"
    );
    let mut rustup = tools.program("rustup", &hint)?;
    rustup.args(["target", "add", TARGET]).current_dir(&project.folder);
    tools.install(&format!("the Rust target {TARGET}"), "rustup", &mut rustup)
}
