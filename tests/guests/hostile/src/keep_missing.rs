//! Keeps an input column that does not exist.

use wasmill_plugin_sdk::bindings::transform::Binding;

use crate::honest::keep;

pub fn bind(mut binding: Binding) -> Binding {
    binding.output.push(keep(99, "nothing"));
    binding
}
