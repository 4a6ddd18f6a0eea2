//! Concludes by a great many rules and metrics.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::types::Metric;
use wasmill_plugin_sdk::bindings::validate::Conclusion;

use crate::honest::rule;

pub fn lie(order: &Order) -> Conclusion {
    let count = order.size(200_000);
    Conclusion {
        rules: (0..count).map(|_| rule(String::new())).collect(),
        metrics: (0..count).map(|_| Metric { name: String::new(), value: 1.0 }).collect(),
    }
}
