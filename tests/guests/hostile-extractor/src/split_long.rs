//! Describes a split at great length: the host would have to keep it until the run ends.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::Split;

use crate::honest::split;

pub fn lie(order: &Order) -> Vec<Split> {
    vec![Split { descriptor: "x".repeat(order.size(1 << 20)), ..split("long") }]
}
