//! `cargo xtask chaos`: processes of a pipeline are killed, others go on, and nothing is lost and nothing is there twice.
//!
//! This builds what it needs. The program is in `tests/src/bin/chaos.rs`; it ends with one JSON line.

use std::process::{Command, ExitCode};

use crate::workspace::{Profile, Workspace};
use crate::{plugins, process};

/// Builds plugins and programs, and runs the program with `options`.
///
/// # Errors
///
/// When a build fails, or the program cannot be started.
pub fn run(workspace: &Workspace, options: &[&str]) -> Result<ExitCode, String> {
    plugins::run(workspace)?;
    process::run(&mut workspace.cargo(["build", "--workspace", "--bins"]))?;
    let mut chaos = Command::new(workspace.program("chaos", Profile::Dev));
    chaos.args(options).env("WASMILL_BIN", workspace.wasmill(Profile::Dev));
    let status = process::status(&mut chaos)?;
    // Ended by a signal, it has no code of its own; that is no success.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
