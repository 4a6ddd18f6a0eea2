//! Waits for an hour: no fuel is used meanwhile.

use std::time::Duration;

pub fn strike() {
    std::thread::sleep(Duration::from_secs(3_600));
}
