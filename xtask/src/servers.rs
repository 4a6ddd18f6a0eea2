//! What the tests start beside the command line, from Debian: PostgreSQL, whose server they start themselves, and `faketime`,
//! which gives a program another clock.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process;

/// Says to the Debian package that it need not make and start a cluster: the tests have their own.
const NO_CLUSTER: (&str, &str) =
    ("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false");

/// Installs what is missing.
///
/// # Errors
///
/// When something is missing and cannot be installed.
pub fn install() -> Result<(), String> {
    let mut missing = Vec::new();
    if !has_postgres() {
        missing.push("postgresql");
    }
    if !is_in_path("faketime") {
        missing.push("faketime");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("the tests need it: install {} by hand", missing.join(" and "));
    if !is_in_path("apt-get") {
        return Err(format!("this is no Debian, so nothing can be installed here; {by_hand}"));
    }
    if missing.contains(&"postgresql") && !Path::new(NO_CLUSTER.0).exists() {
        let (file, text) = NO_CLUSTER;
        let script = format!("mkdir -p /etc/postgresql-common && echo '{text}' > {file}");
        run(as_root("sh").args(["-c", &script]), &by_hand)?;
    }
    run(as_root("apt-get").args(["update", "--quiet"]), &by_hand)?;
    let mut installing = as_root("env");
    installing.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--quiet", "--yes"]);
    // Keeps the file that was written above, without a question.
    installing.args(["--no-install-recommends", "--option", "Dpkg::Options::=--force-confold"]);
    run(installing.args(missing), &by_hand)
}

/// Debian keeps the server's programs out of the path.
fn has_postgres() -> bool {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    is_in_path("initdb")
        || versions.map(|folder| folder.path()).any(|it| it.join("bin/initdb").exists())
}

fn is_in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).exists())
}

/// A program that is run by root: by us, or by way of sudo where it asks for no password.
fn as_root(program: &str) -> Command {
    let is_root = process::output(Command::new("id").arg("-u")).is_ok_and(|user| user == "0");
    if is_root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

fn run(command: &mut Command, by_hand: &str) -> Result<(), String> {
    process::run(command).map_err(|error| format!("{error}\n{by_hand}"))
}
