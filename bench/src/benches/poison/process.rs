//! Processes that may hang or crash: watched line by line, and killed when they say nothing for long.

use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::measure::Error;

/// How long a process may say nothing. Everything that is measured here says something each few milliseconds, or has
/// limits of one second.
const PATIENCE: Duration = Duration::from_secs(10);

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Completed,
    /// It said nothing for [`PATIENCE`], and was killed.
    Hangs,
    /// How it ended, and what it last said.
    Crashes(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completed => formatter.write_str("completed"),
            Self::Hangs => formatter.write_str("hangs"),
            Self::Crashes(how) => write!(formatter, "crashes: {how}"),
        }
    }
}

/// What a process said on standard output, each line with its time since the start.
pub struct Watched {
    pub lines: Vec<(Duration, String)>,
    pub elapsed: Duration,
    pub outcome: Outcome,
}

/// Runs a process to its end, or until it hangs.
pub fn watch(command: &mut Command) -> Result<Watched, Error> {
    let started = Instant::now();
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = BufReader::new(process.stdout.take().ok_or("standard output is piped")?);
    let mut stderr = process.stderr.take().ok_or("standard error is piped")?;
    let (sender, receiver) = mpsc::channel();
    // Both end with the process, because it holds the other ends of the pipes.
    let said = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(stderr.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    });
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if sender.send((started.elapsed(), line)).is_err() {
                break;
            }
        }
    });
    let mut lines = Vec::new();
    let hangs = loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Disconnected) => break false,
            Err(RecvTimeoutError::Timeout) => break true,
        }
    };
    if hangs {
        process.kill()?;
    }
    let status = process.wait()?;
    let elapsed = started.elapsed();
    let said = said.join().unwrap_or_default();
    let outcome = if hangs {
        Outcome::Hangs
    } else if status.success() {
        Outcome::Completed
    } else {
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        Outcome::Crashes(format!("{status}: {last}"))
    };
    Ok(Watched { lines, elapsed, outcome })
}
