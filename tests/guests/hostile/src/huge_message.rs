//! Fails with a message of a mebibyte, in which there is a bell, and a sequence that clears a terminal.

use wasmill_plugin_sdk::bindings::types::Failure;

pub fn failure() -> Failure {
    Failure::Fatal(format!("\u{7}\u{1b}[2J{}", "x".repeat(1 << 20)))
}
