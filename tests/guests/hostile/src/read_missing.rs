//! Reads an input column that does not exist.

use wasmill_plugin_sdk::bindings::transform::Binding;

pub fn bind(mut binding: Binding) -> Binding {
    binding.reads.push(99);
    binding
}
