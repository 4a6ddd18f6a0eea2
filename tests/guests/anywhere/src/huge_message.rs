//! Fails with a message of a mebibyte, in which there is a bell, and a sequence that clears a terminal.

use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;

pub fn strike(order: &Order) -> Result<(), Failure> {
    Err(Failure::Fatal(format!("\u{7}\u{1b}[2J{}", "x".repeat(order.size(1 << 20)))))
}
