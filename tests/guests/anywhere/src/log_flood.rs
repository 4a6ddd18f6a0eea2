//! Writes a great many log lines in one call.

use wasmill_plugin_sdk::bindings::types::Failure;
use wasmill_plugin_sdk::log;

use crate::Order;

pub fn strike(order: &Order) -> Result<(), Failure> {
    for line in 0..order.size(100_000) {
        log::info!("line {line} of a flood");
    }
    Ok(())
}
