//! Returns a million empty nodes.

use wasmill_plugin_sdk::bindings::extract::Extracted;
use wasmill_plugin_sdk::bindings::types::{Node, Payload};

use hostile_anywhere::Order;

pub fn lie(extracted: Extracted, order: &Order) -> Extracted {
    let node = || Node { length: 0, validity: Vec::new(), offsets: Vec::new(), values: Vec::new() };
    let nodes = (0..order.size(1_000_000)).map(|_| node()).collect();
    Extracted { values: Payload::Columns(nodes), ..extracted }
}
