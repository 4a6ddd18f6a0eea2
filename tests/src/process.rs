//! Processes that may be killed at any moment: started in a group of their own, with their output in files.
//!
//! Output goes into files and not through pipes: a child of a killed process may hold a pipe open, and nobody must wait for it. The
//! group is killed as a whole, so that no child outlives what it was started for.

use std::fs::File;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::workspace::Outcome;

/// How often it is looked at whether a process has ended.
const LOOK: Duration = Duration::from_millis(3);

/// A process at work, and its children. Killed with the value, unless it has ended.
#[derive(Debug)]
pub struct Process {
    child: Child,
    started: Instant,
    /// The command as one would type it.
    shown: String,
    stdout: PathBuf,
    stderr: PathBuf,
    has_ended: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    /// By SIGKILL, whoever sent it.
    Killed,
    /// By another signal.
    Signalled(i32),
    /// It was still at work when its time was over, and was killed.
    TooLate,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    pub outcome: Outcome,
    pub elapsed: Duration,
    pub shown: String,
}

impl Process {
    /// Starts a command; its output goes to `LOG.stdout` and `LOG.stderr`.
    pub fn start(mut command: Command, log: &Path) -> Self {
        std::fs::create_dir_all(log.parent().expect("a log lies in a folder")).expect("a folder");
        let (stdout, stderr) = (log.with_extension("stdout"), log.with_extension("stderr"));
        let create = |path: &Path| -> Stdio {
            File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
        };
        let words: Vec<_> =
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let program = Path::new(command.get_program()).file_name().unwrap_or_default();
        let shown = format!("{} {}", program.display(), words.join(" "));
        command.stdin(Stdio::null()).stdout(create(&stdout)).stderr(create(&stderr));
        let child = command.process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("`{shown}` cannot be started: {error}"));
        Self { child, started: Instant::now(), shown, stdout, stderr, has_ended: false }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process, not its children, to stop.
    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).expect("a process that was not waited for is there");
    }

    /// Kills the process and its children. That they are gone already is no failure.
    pub fn kill(&self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// What it has printed on standard output so far.
    pub fn printed(&self) -> String {
        read(&self.stdout)
    }

    /// Waits for the end; kills the process after `kill_after`, and gives up on it after `limit`.
    pub fn wait(mut self, kill_after: Option<Duration>, limit: Duration) -> Ended {
        let mut is_late = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            let elapsed = self.started.elapsed();
            is_late = elapsed >= limit;
            if is_late || kill_after.is_some_and(|after| elapsed >= after) {
                self.kill();
                break self.child.wait().expect("a child can be waited for");
            }
            std::thread::sleep(LOOK);
        };
        let elapsed = self.started.elapsed();
        // What it left behind, such as a compiler at work.
        self.kill();
        self.has_ended = true;
        let end = if is_late { End::TooLate } else { End::of(status) };
        let outcome =
            Outcome { code: status.code(), stdout: read(&self.stdout), stderr: read(&self.stderr) };
        Ended { end, outcome, elapsed, shown: self.shown.clone() }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended {
            self.kill();
            drop(self.child.wait());
        }
    }
}

impl End {
    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) if signal == Signal::KILL.as_raw() => Self::Killed,
            (None, signal) => Self::Signalled(signal.unwrap_or_default()),
        }
    }
}

/// The text of a file, such as a process that was killed has left it.
fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, folder: &Path) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command, &folder.join("log"))
    }

    #[test]
    fn ends_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let second = Duration::from_secs(1);
        for (script, kill_after, limit, expected) in [
            ("echo out; echo err >&2; exit 7", None, 20 * second, End::Exited(7)),
            ("kill -KILL $$", None, 20 * second, End::Killed),
            ("kill -TERM $$", None, 20 * second, End::Signalled(15)),
            ("sleep 60", Some(second / 10), 20 * second, End::Killed),
            ("sleep 60", None, second / 10, End::TooLate),
        ] {
            let ended = shell(script, folder.path()).wait(kill_after, limit);
            assert_eq!(ended.end, expected, "{ended:?}");
            if expected == End::Exited(7) {
                assert_eq!((&*ended.outcome.stdout, &*ended.outcome.stderr), ("out\n", "err\n"));
            }
        }
    }

    /// A child that outlives its parent would go on working on what others work on.
    #[test]
    fn children_are_killed_too() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 60 & echo $!; wait";
        let process = shell(script, folder.path());
        let deadline = Instant::now() + Duration::from_secs(20);
        while process.printed().is_empty() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        let child: i32 = process.printed().trim().parse().unwrap();
        drop(process);
        let child = Pid::from_raw(child).unwrap();
        // Gone, or a zombie that nobody has waited for yet.
        let is_at_work = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_pid()));
            state.is_ok_and(|state| !state.contains(") Z "))
        };
        while is_at_work() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        assert!(!is_at_work());
    }
}
