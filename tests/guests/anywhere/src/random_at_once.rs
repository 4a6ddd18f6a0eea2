//! Asks for a tebibyte of random bytes in one call.

use wasip2::random::random::get_random_bytes;

pub fn strike() {
    drop(std::hint::black_box(get_random_bytes(1 << 40)));
}
