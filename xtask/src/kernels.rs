//! `cargo xtask kernels`: `plugin-sdk/kernels` as the core module that the builder puts into plugins.
//!
//! It is kept in the repository, so that whoever builds a plugin in Python or JavaScript needs no Rust. A test refuses a module that is
//! not of the sources beside it.

use crate::components::ensure_target;
use crate::process;
use crate::workspace::Workspace;

/// Without WASI, which it has no need of.
const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the module.
///
/// # Errors
///
/// When a build fails.
pub fn run(workspace: &Workspace) -> Result<(), String> {
    ensure_target(workspace, TARGET)?;
    let mut cargo = workspace.cargo(["build", "--profile", "plugin", "--target", TARGET]);
    cargo.args(["--package", "wasmill-kernels", "--config", "profile.plugin.strip=\"symbols\""]);
    process::run(&mut cargo)?;
    let folder = workspace.root.join("plugin-sdk/kernels");
    let built = workspace.target.join(TARGET).join("plugin/wasmill_kernels.wasm");
    let mut stamp = workspace.cargo(["run", "--quiet", "--package", "wasmill-build"]);
    stamp.args(["--example", "kernels", "--"]).arg(&folder).arg(&built);
    process::run(stamp.arg(folder.join("kernels.wasm")))
}
