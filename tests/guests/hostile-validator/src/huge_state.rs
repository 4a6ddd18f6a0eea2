//! Merges a few bytes into more than a call may return.

use hostile_anywhere::Order;

pub fn lie(order: &Order) -> Vec<u8> {
    vec![1; order.size(64 << 20)]
}
