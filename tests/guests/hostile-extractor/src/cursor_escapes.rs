//! Ends at a position that takes over a terminal.

pub fn lie() -> Option<String> {
    Some("\u{1b}[2J\u{0}\u{202e}".to_owned())
}
