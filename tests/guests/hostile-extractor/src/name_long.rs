//! Names a column by a mebibyte.

use wasmill_plugin_sdk::bindings::extract::Binding;

pub fn lie(mut binding: Binding) -> Binding {
    binding.output.fields[0].name = "n".repeat(1 << 20);
    binding
}
