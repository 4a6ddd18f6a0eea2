//! One JSON object a line, for programs.

use serde::Serialize;
use serde_json::json;
use wasmill_pipeline::events::{Event, Observer};

use crate::failure::Failure;

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

/// The last line of a command that gave nothing: how it ended, whatever happened. `invalid` are the exit codes that say that
/// it was asked for something wrong.
pub fn print_failure(event: &str, invalid: &[u8], failure: &Failure) {
    let status = match failure.exit_code {
        code if invalid.contains(&code) => "invalid",
        130 => "interrupted",
        _ => "failed",
    };
    print(&json!({
        "event": event,
        "status": status,
        "problem": {
            "message": failure.message,
            "hint": failure.hint,
            "exit_code": failure.exit_code,
        },
    }));
}
