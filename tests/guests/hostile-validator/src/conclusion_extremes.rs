//! Concludes by numbers that are none, more violations than rows, and words that take over a terminal.

use wasmill_plugin_sdk::bindings::types::Metric;
use wasmill_plugin_sdk::bindings::validate::{Conclusion, RuleResult};

use crate::honest::rule;

pub fn lie() -> Conclusion {
    let values = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -0.0, 5e-324];
    let name = "\u{1b}[2J\u{202e}".repeat(10_000);
    let metrics = values.map(|value| Metric { name: name.clone(), value }).to_vec();
    let impossible = RuleResult { checked: 0, violated: u64::MAX, ..rule(name) };
    Conclusion { rules: vec![impossible; 2], metrics }
}
