//! Gives a receipt that the host would have to keep, and that is as long as a call may return.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::load::Receipt;

pub fn lie(receipt: Receipt, order: &Order) -> Receipt {
    Receipt { reference: "x".repeat(order.size(1 << 20)), ..receipt }
}
