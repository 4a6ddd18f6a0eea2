//! Clocks that stand elsewhere: a command under libfaketime, as Debian's package `faketime` has it.
//!
//! The library is preloaded without its wrapper program, so that the process that is started is the one that is killed. Only
//! the time of day is moved; what measures durations goes on as it is.

use std::path::PathBuf;
use std::process::Command;

/// Moves the clock of a command, such as by `-1d` or `+2h`.
pub fn shift(command: &mut Command, by: &str) {
    command.env("LD_PRELOAD", library());
    command.env("FAKETIME", by);
    // Under both names: it changed between releases.
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
}

/// Where the library is.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    // The multi-arch folder of this machine; elsewhere it is in lib itself.
    let candidates = folders.map(|entry| entry.path()).chain([PathBuf::from("/usr/lib")]);
    let mut found = candidates.map(|folder| folder.join("faketime/libfaketime.so.1"));
    found.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!("no libfaketime.so.1 in /usr/lib: install it: apt-get install faketime")
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn a_command_lives_yesterday() {
        let mut date = Command::new("date");
        super::shift(date.arg("+%s"), "-1d");
        let output = date.output().unwrap();
        let told: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!((86_395..=86_400).contains(&(now - told)), "{told} instead of {now}");
    }
}
