//! Declares two columns of one name.

use wasmill_plugin_sdk::bindings::transform::Binding;

use crate::honest::new;

pub fn bind(mut binding: Binding) -> Binding {
    binding.output.push(new("value"));
    binding
}
