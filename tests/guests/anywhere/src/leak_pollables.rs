//! Makes handles to wait on, and never lets go of one.

use wasip2::clocks::monotonic_clock::subscribe_duration;

pub fn strike() {
    loop {
        std::mem::forget(subscribe_duration(u64::MAX));
    }
}
