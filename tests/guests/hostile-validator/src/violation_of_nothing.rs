//! Finds something wrong with no row at all.

use wasmill_plugin_sdk::bindings::validate::Verdict;

use crate::honest::violation;

pub fn lie(mut verdict: Verdict) -> Verdict {
    verdict.violations.push(violation(Vec::new()));
    verdict
}
