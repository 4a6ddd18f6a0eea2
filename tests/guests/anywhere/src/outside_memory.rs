//! Fails with a message that lies behind the end of its memory.

use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;

#[expect(unsafe_code, reason = "that is the attack")]
pub fn strike(_order: &Order) -> Result<(), Failure> {
    let nowhere = std::ptr::without_provenance_mut(0xffff_ff00);
    // SAFETY: nothing looks at the text but the host, which must find that it is none.
    Err(Failure::Fatal(unsafe { String::from_raw_parts(nowhere, 4_096, 4_096) }))
}
