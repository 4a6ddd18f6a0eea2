//! `cargo xtask evil`: hostile plugins against the sandbox, under small limits.
//!
//! What became of each attack is a line of JSON; the last line counts them:
//! `{"event":"attack.finished","attacks":N,"survived":N,…,"peak_memory":BYTES}`.

use std::process::{Command, ExitCode};

use crate::components::{self, RustComponent};
use crate::workspace::{Profile, Workspace};
use crate::{plugins, process};

/// The hostile plugins, one for each kind: packages and components have the same names.
pub const HOSTILE: [&str; 5] =
    ["hostile", "hostile-extractor", "hostile-loader", "hostile-notifier", "hostile-validator"];

/// Builds the hostile plugins and installs them to `dist/attacks/`.
///
/// # Errors
///
/// See [`components::build`].
pub fn build_attacks(workspace: &Workspace) -> Result<(), String> {
    let components =
        HOSTILE.map(|name| RustComponent { package: name.to_owned(), name: name.to_owned() });
    components::build_to(workspace, &components, &workspace.installed_attacks())
}

/// Builds plugins and host, and makes all attacks; the exit code says whether all were survived.
///
/// # Errors
///
/// When a build fails, or the command line cannot be started.
pub fn run(workspace: &Workspace) -> Result<ExitCode, String> {
    plugins::run(workspace)?;
    process::run(&mut workspace.cargo(["build", "--package", "wasmill"]))?;
    let mut wasmill = Command::new(workspace.wasmill(Profile::Dev));
    wasmill.args(["attack", "--quick", "--output", "json", "--components"]);
    wasmill.arg(workspace.installed_attacks()).current_dir(&workspace.root);
    let status = process::status(&mut wasmill)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
