//! Asks for as many random bytes as one call may, without end.

use wasip2::random::random::get_random_bytes;

pub fn strike() {
    loop {
        drop(std::hint::black_box(get_random_bytes(64 << 10)));
    }
}
