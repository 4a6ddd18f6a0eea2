//! Fails with a message that is not UTF-8.

use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;

#[expect(unsafe_code, reason = "that is the attack")]
pub fn strike(_order: &Order) -> Result<(), Failure> {
    // SAFETY: nothing looks at the text but the host, which must not trust it.
    Err(Failure::Fatal(unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe, 0xc0, 0x80]) }))
}
