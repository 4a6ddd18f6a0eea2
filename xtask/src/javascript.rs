//! componentize-qjs, which makes components of JavaScript modules, with QuickJS inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;
use crate::workspace::Workspace;

/// What npm installs.
pub const TOOL: &str = "componentize-qjs@0.4.5";

/// Makes a component of the module `source`, for the world `transformer`.
///
/// # Errors
///
/// When the tool cannot be installed, or fails.
pub fn componentize(workspace: &Workspace, source: &Path, output: &Path) -> Result<(), String> {
    let tool = installed(workspace)?;
    let mut command = Command::new(tool);
    command
        .current_dir(&workspace.root)
        // The sandbox calls exports that are not async.
        .args(["--wit", "wit", "--world", "transformer", "--sync", "--js"])
        .arg(source)
        .arg("--output")
        .arg(output);
    process::run(&mut command)
}

/// The tool's path. Installs it where it is missing or has another version.
fn installed(workspace: &Workspace) -> Result<PathBuf, String> {
    let folder = workspace.guest_tools().join("js");
    let tool = folder.join("node_modules/.bin/componentize-qjs");
    let marker = folder.join("installed");
    if tool.exists() && fs::read_to_string(&marker).is_ok_and(|present| present == TOOL) {
        return Ok(tool);
    }
    let written = |path: &Path, error| format!("{} cannot be written: {error}", path.display());
    fs::create_dir_all(&folder).map_err(|error| written(&folder, error))?;
    process::run(
        Command::new("npm")
            // `--prefix`, or npm would look for a package.json in the folders above.
            .args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                "--prefix",
            ])
            .arg(&folder)
            .arg(TOOL),
    )
    .map_err(|error| {
        format!("{error}\n{TOOL} needs Node 20 or newer with npm, and the network (npmjs.com)")
    })?;
    fs::write(&marker, TOOL).map_err(|error| written(&marker, error))?;
    Ok(tool)
}
