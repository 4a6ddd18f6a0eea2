//! Finds a row at fault that does not exist.

use wasmill_plugin_sdk::bindings::validate::Verdict;

use crate::honest::violation;

pub fn lie(mut verdict: Verdict) -> Verdict {
    verdict.violations.push(violation(vec![0, u32::MAX]));
    verdict
}
