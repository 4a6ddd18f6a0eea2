//! Ends at a position that takes a great many bytes to write down: the host would have to keep it for good.

use hostile_anywhere::Order;

pub fn lie(order: &Order) -> Option<String> {
    Some("x".repeat(order.size(1 << 20)))
}
