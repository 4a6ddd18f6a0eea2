//! Refuses the same row a great many times.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::types::Finding;

use crate::honest::finding;

pub fn lie(order: &Order) -> Vec<Finding> {
    (0..order.size(100_001)).map(|_| finding(vec![0])).collect()
}
