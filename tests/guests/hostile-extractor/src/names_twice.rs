//! Names two columns alike, by what takes over a terminal: the name would be in the message.

use wasmill_plugin_sdk::bindings::extract::Binding;

pub fn lie(mut binding: Binding) -> Binding {
    binding.output.fields[0].name = "\u{1b}[2J\u{7}\u{202e}".to_owned();
    let field = binding.output.fields[0].clone();
    binding.output.fields.push(field);
    binding
}
