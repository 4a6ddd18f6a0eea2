//! Panics while it cleans up, and again while that panic is reported.

use std::hint::black_box;

struct Bomb;

impl Drop for Bomb {
    #[expect(unconditional_recursion, reason = "that is the attack")]
    fn drop(&mut self) {
        let _second = black_box(Bomb);
        panic!("the attack is to panic while dropping");
    }
}

pub fn strike() {
    drop(black_box(Bomb));
}
