//! Names rows at fault out of order, one of them twice.

use wasmill_plugin_sdk::bindings::validate::Verdict;

use crate::honest::violation;

pub fn lie(mut verdict: Verdict) -> Verdict {
    verdict.violations.push(violation(vec![3, 1, 1]));
    verdict
}
