//! componentize-py, which makes components of Python modules, in a virtual environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;
use crate::workspace::Workspace;

/// What pip installs.
pub const TOOL: &str = "componentize-py==0.25.1";

/// Makes a component of `module` in the folder `source`, for the world `transformer`.
///
/// # Errors
///
/// When the tool cannot be installed, or fails.
pub fn componentize(
    workspace: &Workspace,
    source: &Path,
    module: &str,
    output: &Path,
) -> Result<(), String> {
    let tool = installed(workspace)?;
    let mut command = Command::new(tool);
    command
        .current_dir(&workspace.root)
        .args(["--quiet", "--wit-path", "wit", "--world", "transformer", "componentize"])
        .arg("--python-path")
        .arg(source)
        .arg("--output")
        .arg(output)
        .arg(module);
    process::run(&mut command)
}

/// The tool's path. Installs it where it is missing, has another version, or has been moved: the scripts of a
/// virtual environment know where they are.
fn installed(workspace: &Workspace) -> Result<PathBuf, String> {
    let environment = workspace.guest_tools().join("python");
    let tool = environment.join("bin/componentize-py");
    let marker = environment.join("installed");
    let wanted = format!("{TOOL} in {}\n", environment.display());
    if tool.exists() && fs::read_to_string(&marker).is_ok_and(|present| present == wanted) {
        return Ok(tool);
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))
        .map_err(|error| {
            format!("{error}\n{TOOL} needs Python 3.10 or newer with `venv` (Debian: python3-venv)")
        })?;
    process::run(Command::new(environment.join("bin/python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        TOOL,
    ]))
    .map_err(|error| format!("{error}\n{TOOL} comes from PyPI: is the network there?"))?;
    fs::write(&marker, wanted)
        .map_err(|error| format!("{} cannot be written: {error}", marker.display()))?;
    Ok(tool)
}
