//! Adds more to the judgement of the table than a call may return.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::validate::Verdict;

pub fn lie(verdict: Verdict, order: &Order) -> Verdict {
    Verdict { partial: vec![1; order.size(64 << 20)], ..verdict }
}
