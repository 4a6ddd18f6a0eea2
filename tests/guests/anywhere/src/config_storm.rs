//! Asks for its whole configuration without end: the host copies it each time.

use std::hint::black_box;

use wasmill_plugin_sdk::bindings::transformer::wasi::config::store;

pub fn strike() {
    loop {
        drop(black_box(store::get_all()));
    }
}
