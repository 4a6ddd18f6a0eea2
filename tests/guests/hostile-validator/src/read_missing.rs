//! Reads a column that does not exist.

use wasmill_plugin_sdk::bindings::validate::Binding;

pub fn lie(binding: Binding) -> Binding {
    Binding { reads: vec![0, u32::MAX], ..binding }
}
