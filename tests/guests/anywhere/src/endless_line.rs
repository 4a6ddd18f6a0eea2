//! Logs a single line that is as long as a call can pass.

use wasmill_plugin_sdk::bindings::logging::{Level, log};
use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;

pub fn strike(order: &Order) -> Result<(), Failure> {
    let line = "\u{1b}".repeat(order.size(1 << 20));
    log(Level::Critical, &line, &line);
    Ok(())
}
