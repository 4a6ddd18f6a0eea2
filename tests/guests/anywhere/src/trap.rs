//! Panics, with a message that the operator should see.

/// Not inlined, so that the guest's stack names it.
#[inline(never)]
pub fn strike() {
    panic!("the attack is to panic");
}
