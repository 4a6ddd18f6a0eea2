//! Whether what a plugin said can be printed: no attack may reach the terminal of whoever reads of it.

use std::sync::Mutex;

use wasmill_sandbox::capability::log::{LogLine, LogSink};

/// No text of a plugin is longer than this once it is printable.
const MAX_BYTES: usize = 64 << 10;

/// What is wrong with a text that comes from a plugin.
pub fn check(what: &str, text: &str) -> Result<(), String> {
    if text.len() > MAX_BYTES {
        return Err(format!("{what} has {} bytes", text.len()));
    }
    let bad = |char: char| {
        (char.is_control() && !matches!(char, '\n' | '\t'))
            || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    match text.chars().find(|&char| bad(char)) {
        Some(char) => Err(format!("{what} holds {char:?}, which a terminal obeys")),
        None => Ok(()),
    }
}

/// Takes log lines, and looks at each.
#[derive(Debug, Default)]
pub struct Lines {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    wrong: Option<String>,
}

impl Lines {
    /// What is wrong with the lines of one life: of a few instances, each of which may log `log_bytes`.
    pub fn check(&self, log_bytes: u64, instances: u64) -> Result<(), String> {
        let state = self.state.lock().expect("nobody panics with it");
        if let Some(wrong) = &state.wrong {
            return Err(wrong.clone());
        }
        // Made printable, a character may take six times its bytes and more.
        let most = log_bytes.saturating_mul(instances).saturating_mul(8);
        if state.bytes > most {
            return Err(format!("{} bytes of log lines came through", state.bytes));
        }
        Ok(())
    }
}

impl LogSink for Lines {
    fn line(&self, line: LogLine) {
        let mut state = self.state.lock().expect("nobody panics with it");
        state.bytes += (line.context.len() + line.message.len()) as u64;
        let checked =
            check("a log line", &line.message).and_then(|()| check("a log line", &line.context));
        if let Err(wrong) = checked {
            state.wrong.get_or_insert(wrong);
        }
    }
}
