//! Keeps what a plugin logs.

use std::sync::{Arc, Mutex};

use wasmill_sandbox::capability::log::{LogLine, LogSink};

/// The lines so far.
#[derive(Debug, Default, Clone)]
pub struct Lines {
    lines: Arc<Mutex<Vec<LogLine>>>,
}

impl Lines {
    pub fn all(&self) -> Vec<LogLine> {
        self.lines.lock().expect("nobody panics with it").clone()
    }
}

impl LogSink for Lines {
    fn line(&self, line: LogLine) {
        self.lines.lock().expect("nobody panics with it").push(line);
    }
}
