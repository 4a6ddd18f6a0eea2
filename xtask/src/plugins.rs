//! `cargo xtask plugins`: the standard plugins, built and installed, and those that attack the host.

use crate::components::{self, RustComponent};
use crate::evil;
use crate::workspace::Workspace;

/// Builds every plugin of `plugins/` and installs it to `dist/plugins/`; the hostile ones, to `dist/attacks/`.
///
/// # Errors
///
/// See [`components::build`].
pub fn run(workspace: &Workspace) -> Result<(), String> {
    components::build(workspace, &standard(workspace)?)?;
    evil::build_attacks(workspace)
}

/// The standard plugins: each folder NAME of `plugins/` holds the package `wasmill-NAME`.
///
/// # Errors
///
/// When `plugins/` cannot be read.
pub fn standard(workspace: &Workspace) -> Result<Vec<RustComponent>, String> {
    let names = workspace.folders_with("plugins", "Cargo.toml")?;
    Ok(names
        .into_iter()
        .map(|name| RustComponent { package: format!("wasmill-{name}"), name })
        .collect())
}
