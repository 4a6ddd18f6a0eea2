//! Finds the same row at fault a great many times.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::validate::Verdict;

use crate::honest::violation;

pub fn lie(mut verdict: Verdict, order: &Order) -> Verdict {
    verdict.violations = (0..order.size(100_001)).map(|_| violation(vec![0])).collect();
    verdict
}
