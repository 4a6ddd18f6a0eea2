//! Finds something wrong in words that take over a terminal, and are longer than anybody reads.

use wasmill_plugin_sdk::bindings::types::Finding;
use wasmill_plugin_sdk::bindings::validate::{Severity, Verdict, Violation};

pub fn lie(mut verdict: Verdict) -> Verdict {
    let text = "\u{1b}[2J\u{7}\u{202e}".repeat(100_000);
    let finding =
        Finding { rows: vec![0], rule: text.clone(), column: Some(text.clone()), message: text };
    verdict.violations.push(Violation { severity: Severity::Reject, finding });
    verdict
}
