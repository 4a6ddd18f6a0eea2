//! Calls itself without end.

use std::hint::black_box;

pub fn strike() {
    black_box(depth(0));
}

#[expect(unconditional_recursion, reason = "that is the attack")]
fn depth(level: u64) -> u64 {
    // Work after the call, so that it is no loop.
    depth(black_box(level + 1)) ^ level
}
