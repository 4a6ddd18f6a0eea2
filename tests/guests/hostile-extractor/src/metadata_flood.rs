//! Hangs a hundred thousand entries on a column, which every batch would carry along.

use wasmill_plugin_sdk::bindings::extract::Binding;

pub fn lie(mut binding: Binding) -> Binding {
    let entry = |number| (format!("key {number}"), "value".repeat(10));
    binding.output.fields[0].metadata = (0..100_000).map(entry).collect();
    binding
}
