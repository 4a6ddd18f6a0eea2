//! Fills its memory over and over, in single instructions: fuel counts instructions, not the bytes that they move.

use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;

pub fn strike(order: &Order) -> Result<(), Failure> {
    let mut memory = vec![0_u8; order.size(32 << 20)];
    let mut value = 0_u8;
    loop {
        value = value.wrapping_add(1);
        std::hint::black_box(&mut memory[..]).fill(value);
    }
}
