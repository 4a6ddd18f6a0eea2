//! Waits for the same handle a hundred thousand times at once.

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::io::poll::poll;

pub fn strike() {
    let pollable = subscribe_duration(0);
    let all = vec![&pollable; 100_000];
    loop {
        poll(&all);
    }
}
