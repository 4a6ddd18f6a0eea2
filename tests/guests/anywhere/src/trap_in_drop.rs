//! Panics while it cleans up.

use std::hint::black_box;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the attack is to panic while dropping");
    }
}

pub fn strike() {
    drop(black_box(Bomb));
}
