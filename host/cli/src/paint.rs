//! Colours on a terminal, and how wide it is.

use std::io::{IsTerminal as _, stdout};

/// The width of output that goes into a file or to another program.
const WIDTH: usize = 120;

/// A colour that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    New,
    Changed,
    Gone,
    Dim,
    Bold,
}

/// Paints where somebody sees it: on a terminal, unless `NO_COLOR` is set.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    is_on: bool,
}

impl Paint {
    /// For standard output.
    pub fn detect() -> Self {
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { is_on: stdout().is_terminal() && !is_refused }
    }

    /// Without any colour.
    #[cfg(test)]
    pub fn plain() -> Self {
        Self { is_on: false }
    }

    pub fn paint(self, colour: Colour, text: &str) -> String {
        if !self.is_on || text.is_empty() {
            return text.to_owned();
        }
        let code = match colour {
            Colour::New => 32,
            Colour::Changed => 33,
            Colour::Gone => 31,
            Colour::Dim => 2,
            Colour::Bold => 1,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// How many characters a line of standard output has: `COLUMNS` where it is set, otherwise what the terminal says.
pub fn width() -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    set.filter(|columns| *columns > 0)
        .or_else(|| {
            let size = rustix::termios::tcgetwinsize(stdout()).ok()?;
            (size.ws_col > 0).then_some(usize::from(size.ws_col))
        })
        .unwrap_or(WIDTH)
}
