//! Calls the host while the host has it free what was returned.

use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;
use crate::allocator::{Trick, arm_release};

pub fn strike(_order: &Order) -> Result<(), Failure> {
    let message = "a message to be freed".to_owned();
    arm_release(message.as_ptr(), Trick::Import);
    Err(Failure::Fatal(message))
}
