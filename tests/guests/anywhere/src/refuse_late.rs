//! Blames the configuration, at a place with escapes in it, when it is too late for that.

use wasmill_plugin_sdk::bindings::types::{ConfigError, Failure};

use crate::Order;

pub fn strike(order: &Order) -> Result<(), Failure> {
    let pointer = "/\u{1b}[2J".repeat(order.size(100_000));
    Err(Failure::BadConfig(ConfigError { pointer, message: "\u{7}not now\u{202e}".to_owned() }))
}
