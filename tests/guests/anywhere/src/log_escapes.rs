//! Logs and prints what takes over a terminal: colours, a cleared screen, a new title, a link, text from right to left.

use wasmill_plugin_sdk::bindings::logging::{Level, log};

const ESCAPES: [&str; 6] = [
    "\u{1b}[31mred\u{1b}[2J\u{1b}[H",
    "\u{1b}]0;a new title\u{7}",
    "\u{1b}]8;;http://example.com\u{1b}\\a link\u{1b}]8;;\u{1b}\\",
    "\u{9b}2J\u{85}\u{0}\u{7f}\u{8}\u{8}\u{8}",
    "\rover what was there",
    "\u{202e}txt.exe\u{2066}\u{2069}\u{202c}",
];

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "that is the attack")]
pub fn strike() {
    for text in ESCAPES {
        log(Level::Error, text, text);
        println!("{text}");
        eprintln!("{text}");
    }
}
