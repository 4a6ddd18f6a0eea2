//! Reads columns a great many times.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::validate::Binding;

pub fn lie(binding: Binding, order: &Order) -> Binding {
    Binding { reads: vec![0; order.size(1_000_000)], ..binding }
}
