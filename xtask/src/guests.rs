//! The guests of the tests, in several languages.
//!
//! Guests in Python and JavaScript take seconds to build and their tools come from the network, so a result
//! is kept in the target directory under a name that holds the digest of all that it was made from.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::components::{self, RustComponent};
use crate::workspace::Workspace;
use crate::{javascript, python};

/// The guests in Rust: packages and components have the same names.
pub fn rust() -> impl Iterator<Item = RustComponent> {
    ["balance", "faulty", "fetcher", "gross", "hostile", "keeper", "pricing"]
        .into_iter()
        .map(|name| RustComponent { package: name.to_owned(), name: name.to_owned() })
}

/// Builds and installs `gross-python`.
///
/// # Errors
///
/// When its tool cannot be installed or fails, or a file cannot be read or written.
pub fn python(workspace: &Workspace) -> Result<(), String> {
    let source = workspace.root.join("tests/guests/gross/python");
    build_once(workspace, "gross-python", &source.join("app.py"), python::TOOL, |output| {
        python::componentize(workspace, &source, "app", output)
    })
}

/// Builds and installs `gross-js`.
///
/// # Errors
///
/// When its tool cannot be installed or fails, or a file cannot be read or written.
pub fn javascript(workspace: &Workspace) -> Result<(), String> {
    let source = workspace.root.join("tests/guests/gross/js/app.js");
    build_once(workspace, "gross-js", &source, javascript::TOOL, |output| {
        javascript::componentize(workspace, &source, output)
    })
}

/// Has `build` make the component, unless it was made before from the same source, contract and tool.
fn build_once(
    workspace: &Workspace,
    name: &str,
    source: &Path,
    tool: &str,
    build: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), String> {
    let mut files = vec![source.to_owned()];
    files_below(&workspace.root.join("wit"), &mut files)?;
    let digest = digest(workspace, tool, &files)?;
    let folder = workspace.guest_tools();
    let built = folder.join(format!("{name}-{digest:016x}.wasm"));
    if !built.exists() {
        println!("building {name} with {tool}");
        // Under another name until it is whole.
        let partial = folder.join(format!("{name}.{}.partial", std::process::id()));
        build(&partial)?;
        fs::rename(&partial, &built)
            .map_err(|error| format!("{} cannot be written: {error}", built.display()))?;
    }
    components::install(workspace, &built, name)
}

/// A digest of the tool's version, and the files' paths and contents. Another release of Rust may give
/// another one, at the price of one more build.
fn digest(workspace: &Workspace, tool: &str, files: &[PathBuf]) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    tool.hash(&mut hasher);
    for file in files {
        let bytes = fs::read(file)
            .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
        (file.strip_prefix(&workspace.root).unwrap_or(file), bytes).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Adds all files below the folder, in order.
fn files_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let unreadable = |error| format!("{} cannot be read: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in folder.read_dir().map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() { files_below(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
