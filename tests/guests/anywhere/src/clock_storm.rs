//! Asks for the time without end.

use std::hint::black_box;

use wasip2::clocks::{monotonic_clock, wall_clock};

pub fn strike() {
    loop {
        black_box((monotonic_clock::now(), wall_clock::now()));
    }
}
