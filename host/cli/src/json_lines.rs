//! One JSON object a line, for programs.

use serde::Serialize;
use wasmill_pipeline::events::{Event, Observer};

/// Prints each event as a line.
pub struct JsonLines;

impl Observer for JsonLines {
    fn event(&self, event: Event) {
        print(&event);
    }
}

/// Prints a value as a line.
pub fn print<T: Serialize>(value: &T) {
    let line = serde_json::to_string(value).expect("events are plain data");
    say!("{line}");
}
