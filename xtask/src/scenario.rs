//! `cargo xtask scenario NAME` and `cargo xtask demo`: a pipeline of `pipelines/`, from source to result.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

use crate::duration::Shown;
use crate::receiver::Receiver;
use crate::workspace::{Profile, Workspace};
use crate::{plugins, process};

/// The variable from which pipelines take the address of the webhook.
const WEBHOOK: &str = "WASMILL_DEMO_WEBHOOK";
/// The variable from which pipelines take the address of what is in their folder `served/`.
const SERVED: &str = "WASMILL_DEMO_SERVED";

/// Builds plugins and host, runs the scenario, and ends with the exit code of the run.
///
/// # Errors
///
/// When there is no such scenario, a build fails, or the run cannot be started.
pub fn run(workspace: &Workspace, name: &str, profile: Profile) -> Result<ExitCode, String> {
    let folder = Path::new("pipelines").join(name);
    let file = folder.join("pipeline.toml");
    if !workspace.folders_with("pipelines", "pipeline.toml")?.iter().any(|known| known == name) {
        return Err(format!("there is no scenario `{name}`; {}", known(workspace)?));
    }

    let started = Instant::now();
    plugins::run(workspace)?;
    let mut build = workspace.cargo(["build", "--package", "wasmill"]);
    if profile == Profile::Release {
        build.arg("--release");
    }
    process::run(&mut build)?;
    plugins::others(workspace, profile)?;
    let built = started.elapsed();
    let binary = workspace.wasmill(profile);
    let shown_binary = workspace.relative(&binary).to_string();

    let served = workspace.root.join(&folder).join("served");
    let has_served = served.is_dir();
    let receiver = Receiver::start(served)?;
    let mut wasmill = Command::new(&binary);
    wasmill.arg("run").arg(&file).current_dir(&workspace.root).env(WEBHOOK, &receiver.url);
    print!("\n{WEBHOOK}={} ", receiver.url);
    if has_served {
        wasmill.env(SERVED, &receiver.served);
        print!("{SERVED}={} ", receiver.served);
    }
    println!("{shown_binary} run {}\n", file.display());
    let started = Instant::now();
    let status = process::status(&mut wasmill)?;
    let ran = started.elapsed();

    print_notifications(&receiver);
    print_outputs(workspace, &folder.join("out"));
    print_next_steps(&shown_binary, &file);
    print_times(built, ran);
    if !status.success() {
        eprintln!("error: {}", process::failed(&wasmill, status));
    }
    Ok(exit_code(status))
}

/// Names the scenarios, for messages.
///
/// # Errors
///
/// When `pipelines/` cannot be read.
pub fn known(workspace: &Workspace) -> Result<String, String> {
    let names = workspace.folders_with("pipelines", "pipeline.toml")?;
    Ok(format!("known are: {}", names.join(", ")))
}

fn print_notifications(receiver: &Receiver) {
    println!("\nNotifications received at {}:", receiver.url);
    let notifications = receiver.take();
    if notifications.is_empty() {
        println!("  none");
    }
    for notification in notifications {
        println!("  {notification}");
    }
}

fn print_outputs(workspace: &Workspace, folder: &Path) {
    println!("\nOutputs in {}:", folder.display());
    let mut files = Vec::new();
    match files_below(&workspace.root.join(folder), &mut files) {
        Ok(()) => files.sort(),
        Err(error) => println!("  cannot be listed: {error}"),
    }
    for (path, bytes) in files {
        println!("  {:>8} KiB  {}", bytes.div_ceil(1024), workspace.relative(&path));
    }
}

fn files_below(folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> io::Result<()> {
    for entry in folder.read_dir()? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            files_below(&entry.path(), files)?;
        } else {
            files.push((entry.path(), metadata.len()));
        }
    }
    Ok(())
}

fn print_next_steps(wasmill: &str, file: &Path) {
    println!("\nWhat to try next:");
    for (command, purpose) in [
        ("runs list --file", "the runs so far"),
        ("runs show --file", "the last run, step by step"),
        ("quarantine list --file", "how many rows were held back, by step and rule"),
        ("quarantine show --file", "these rows, whole, with the reasons"),
        ("run", "once more: sinks that merge hold each row once"),
    ] {
        println!("  # {purpose}");
        println!("  {wasmill} {command} {}", file.display());
    }
}

fn print_times(built: Duration, ran: Duration) {
    println!("\nBuilt in {}, ran in {}.", Shown(built), Shown(ran));
}

fn exit_code(status: ExitStatus) -> ExitCode {
    // Ended by a signal, a process has no code of its own; what it did is not known to be a success.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
