//! Divides its work into more splits than there may be.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::Split;

use crate::honest::split;

pub fn lie(order: &Order) -> Vec<Split> {
    (0..order.size(100_001)).map(|number| split(&number.to_string())).collect()
}
