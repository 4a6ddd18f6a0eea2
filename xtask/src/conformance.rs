//! `cargo xtask conformance`: the plugins of every language through the conformance suite, see `tests/conformance`.
//!
//! One line for each language; with `--json`, `{"language","passed","failed","component_bytes","build_seconds","start_ms"}`: the size
//! and the start are those of the transformer, the time is that of all five.

use std::process::{Command, ExitCode};

use crate::process;
use crate::workspace::Workspace;

/// Builds the suite and runs it; the exit code says whether all cases passed.
///
/// # Errors
///
/// When the suite cannot be built or started.
pub fn run(workspace: &Workspace, options: &[&str]) -> Result<ExitCode, String> {
    let program = "wasmill-conformance";
    // In a release build, so that figures are those of what is shipped.
    process::run(&mut workspace.cargo(["build", "--release", "--package", program]))?;
    let mut suite = Command::new(workspace.target.join("release").join(program));
    suite.args(options).current_dir(&workspace.root);
    let status = process::status(&mut suite)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the suite for all languages, and keeps the contract and its plugins for the tests of later versions.
///
/// # Errors
///
/// As [`run`].
pub fn freeze(workspace: &Workspace) -> Result<ExitCode, String> {
    run(workspace, &["--freeze", "tests/conformance/frozen"])
}
