//! Has a name, a version and a summary that take over a terminal.

use wasmill_plugin_sdk::bindings::types::Descriptor;

pub fn lie(descriptor: Descriptor) -> Descriptor {
    let text = "\u{1b}]0;a new title\u{7}\u{1b}[2J\u{202e}".repeat(10_000);
    Descriptor { name: text.clone(), version: text.clone(), summary: text, ..descriptor }
}
