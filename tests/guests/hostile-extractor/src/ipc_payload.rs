//! Returns as an Arrow IPC stream whatever bytes it was told to return.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::{Binding, Extracted};
use wasmill_plugin_sdk::bindings::types::{Encoding, Payload};

pub fn bind(binding: Binding) -> Binding {
    Binding { encoding: Encoding::Ipc, ..binding }
}

pub fn lie(extracted: Extracted, order: &Order) -> Extracted {
    Extracted { values: Payload::Ipc(order.payload()), ..extracted }
}
