//! Fails with a message that is longer than what a call may return.

use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;

pub fn strike(order: &Order) -> Result<(), Failure> {
    Err(Failure::Fatal("x".repeat(order.size(64 << 20))))
}
