//! Python: componentize-py, which makes components of Python modules, and the benchmarks' peers. What is installed goes into
//! virtual environments of the target directory.

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
    let folder = workspace.guest_tools().join("python");
    let environment = environment(&folder, &[TOOL.to_owned()])?;
    let mut command = Command::new(environment.join("bin/componentize-py"));
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

/// The requirements in a file: one a line, beside comments.
///
/// # Errors
///
/// When the file cannot be read.
pub fn requirements(file: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let lines = text.lines().map(str::trim);
    Ok(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect())
}

/// Makes the virtual environment `folder` hold what is required, and returns it. It is made anew where it is missing, holds other
/// versions, or has been moved: the scripts of a virtual environment know where they are.
///
/// # Errors
///
/// When it cannot be made, or something cannot be installed.
pub fn environment(folder: &Path, requirements: &[String]) -> Result<PathBuf, String> {
    let shown = requirements.join(", ");
    let marker = folder.join("installed");
    let wanted = format!("{shown} in {}\n", folder.display());
    if fs::read_to_string(&marker).is_ok_and(|present| present == wanted) {
        return Ok(folder.to_owned());
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder)).map_err(
        |error| {
            format!(
                "{error}\n{shown} needs Python 3.10 or newer with `venv` (Debian: python3-venv)"
            )
        },
    )?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    process::run(pip.args(requirements))
        .map_err(|error| format!("{error}\n{shown} comes from PyPI: is the network there?"))?;
    fs::write(&marker, wanted)
        .map_err(|error| format!("{} cannot be written: {error}", marker.display()))?;
    Ok(folder.to_owned())
}
