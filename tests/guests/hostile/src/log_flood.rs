//! Writes a hundred thousand log lines for one batch.

use wasmill_plugin_sdk::log;

pub fn process() {
    for line in 0..100_000 {
        log::info!("line {line} of a flood");
    }
}
