//! Reads the same column a million times: one copy of it for each.

use wasmill_plugin_sdk::bindings::transform::Binding;

pub fn bind(binding: Binding) -> Binding {
    Binding { reads: vec![0; 1_000_000], ..binding }
}
