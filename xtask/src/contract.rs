//! `cargo xtask contract`: `docs/plugins/contract.md`, the contract in `wit/` for people.
//!
//! It is kept in the repository, so that it can be read there. A test refuses one that is not of the `wit/` beside it.

use crate::process;
use crate::workspace::Workspace;

/// Writes the document.
///
/// # Errors
///
/// When the build fails, or the document cannot be written.
pub fn run(workspace: &Workspace) -> Result<(), String> {
    let mut write = workspace.cargo(["run", "--quiet", "--package", "wasmill-build"]);
    write.args(["--example", "contract", "--"]);
    process::run(write.arg(workspace.root.join("docs/plugins/contract.md")))
}
