//! Nests lists ten thousand deep.

use wasmill_plugin_sdk::bindings::extract::Binding;
use wasmill_plugin_sdk::bindings::types::{DataType, Field};

use crate::honest::field;

pub fn lie(mut binding: Binding) -> Binding {
    let list = Field { children: 1, ..field("deep", DataType::List) };
    binding.output.fields.extend(vec![list; 10_000]);
    binding.output.fields.push(field("end", DataType::Int64));
    binding
}
