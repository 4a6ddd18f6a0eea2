//! Names two columns alike.

use wasmill_plugin_sdk::bindings::extract::Binding;

pub fn lie(mut binding: Binding) -> Binding {
    let field = binding.output.fields[0].clone();
    binding.output.fields.push(field);
    binding
}
