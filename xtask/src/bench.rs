//! `cargo xtask bench`: the benchmarks, a workspace of their own in `bench/`.
//!
//! Their guests are of two kinds: components for Wasmill, and core modules for peers that know no components.

use std::fs;
use std::process::{Command, ExitCode};

use crate::components::{self, ensure_target};
use crate::process;
use crate::workspace::Workspace;

/// The target of the peers' guests.
const MODULE_TARGET: &str = "wasm32-wasip1";

/// The guests, and what they are built for.
const GUESTS: [(&str, &str); 4] = [
    ("bench-wasmill", components::TARGET),
    ("bench-encodings", components::TARGET),
    ("bench-arrow-udf", MODULE_TARGET),
    ("bench-extism", MODULE_TARGET),
];

/// Builds guests and benchmarks, and runs them with `options`.
///
/// # Errors
///
/// When a build fails, or a file cannot be written.
pub fn run(workspace: &Workspace, options: &[&str]) -> Result<ExitCode, String> {
    let folder = workspace.target.join("bench");
    let guests = folder.join("guests");
    fs::create_dir_all(&guests).map_err(|error| format!("{}: {error}", guests.display()))?;
    let manifest = workspace.root.join("bench/Cargo.toml");
    for (guest, target) in GUESTS {
        ensure_target(workspace, target)?;
        let mut cargo = workspace.cargo(["build", "--profile", "plugin", "--target", target]);
        process::run(cargo.args(["--package", guest, "--manifest-path"]).arg(&manifest))?;
        let file = format!("{}.wasm", guest.replace('-', "_"));
        let built = workspace.target.join(target).join("plugin").join(file);
        fs::copy(&built, guests.join(format!("{guest}.wasm")))
            .map_err(|error| format!("{} cannot be copied: {error}", built.display()))?;
    }
    let mut cargo = workspace.cargo(["build", "--release", "--package", "wasmill-bench"]);
    process::run(cargo.arg("--manifest-path").arg(&manifest))?;
    let mut bench = Command::new(workspace.target.join("release/wasmill-bench"));
    bench.args(options).arg("--guests").arg(&guests);
    bench.arg("--samples").arg(folder.join("samples"));
    let status = process::status(&mut bench)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
