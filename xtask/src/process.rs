//! Starting other programs, so that an error names the command that failed.

use std::process::{Command, ExitStatus, Stdio};

/// Runs the command to its end; its output goes where ours goes.
///
/// # Errors
///
/// When the program cannot be started.
pub fn status(command: &mut Command) -> Result<ExitStatus, String> {
    command.status().map_err(|error| cannot_start(command, &error))
}

/// Like [`status`], for commands that must succeed.
///
/// # Errors
///
/// When the program cannot be started, or reports a failure.
pub fn run(command: &mut Command) -> Result<(), String> {
    let status = status(command)?;
    if status.success() { Ok(()) } else { Err(failed(command, status)) }
}

/// What the command prints, which must be UTF-8, without the white space around it.
///
/// # Errors
///
/// When the program cannot be started, reports a failure, or prints something else.
pub fn output(command: &mut Command) -> Result<String, String> {
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| cannot_start(command, &error))?;
    if !output.status.success() {
        return Err(failed(command, output.status));
    }
    let text = String::from_utf8(output.stdout)
        .map_err(|_| format!("`{}` printed something that is not UTF-8", shown(command)))?;
    Ok(text.trim().to_owned())
}

/// The command as one would type it: the program's name, then its arguments.
pub fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut shown = program.file_name().unwrap_or(command.get_program()).display().to_string();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.display().to_string());
    }
    shown
}

/// Says that the command did not succeed.
pub fn failed(command: &Command, status: ExitStatus) -> String {
    format!("`{}` failed ({status}); its messages are above", shown(command))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` cannot be started: {error}", shown(command))
}
