//! Describes its configuration by as much JSON as a call may return.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::types::Descriptor;

pub fn lie(descriptor: Descriptor, order: &Order) -> Descriptor {
    let config_schema = format!("{{\"title\":\"{}\"}}", "x".repeat(order.size(1 << 20)));
    Descriptor { config_schema, ..descriptor }
}
