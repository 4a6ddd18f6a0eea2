//! `cargo xtask plugins`: the standard plugins, built and installed, and those that attack the host.
//!
//! Those in Rust are crates of the workspace, and Cargo builds them all at once. Those in other languages are built as anybody builds
//! theirs: by `wasmill build`.

use std::path::Path;
use std::process::Command;

use crate::components::{self, RustComponent};
use crate::workspace::{Profile, Workspace};
use crate::{evil, process};

/// Builds every plugin in Rust of `plugins/` and installs it to `dist/plugins/`; the hostile ones, to `dist/attacks/`.
///
/// # Errors
///
/// See [`components::build`].
pub fn run(workspace: &Workspace) -> Result<(), String> {
    components::build(workspace, &standard(workspace)?)?;
    evil::build_attacks(workspace)
}

/// Builds the command line, and by it the standard plugins in other languages than Rust.
///
/// # Errors
///
/// When one of them cannot be built.
pub fn build_others(workspace: &Workspace) -> Result<(), String> {
    process::run(&mut workspace.cargo(["build", "--package", "wasmill"]))?;
    others(workspace, Profile::Dev)
}

/// Builds the standard plugins in other languages than Rust, by the command line, which was built with this profile.
///
/// # Errors
///
/// When one of them cannot be built.
pub fn others(workspace: &Workspace, profile: Profile) -> Result<(), String> {
    let mut names = Vec::new();
    for manifest in ["package.json", "plugin.toml", "pyproject.toml"] {
        names.extend(workspace.folders_with("plugins", manifest)?);
    }
    names.sort();
    for name in names {
        let mut build = Command::new(workspace.wasmill(profile));
        build.arg("build").arg(Path::new("plugins").join(&name));
        build.arg("--out").arg(Path::new("dist/plugins").join(format!("{name}.wasm")));
        process::run(build.current_dir(&workspace.root))?;
    }
    Ok(())
}

/// The standard plugins in Rust: each folder NAME of `plugins/` holds the package `wasmill-NAME`.
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
