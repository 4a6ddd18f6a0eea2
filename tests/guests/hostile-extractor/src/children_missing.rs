//! Announces four billion children, and gives none.

use wasmill_plugin_sdk::bindings::extract::Binding;
use wasmill_plugin_sdk::bindings::types::{DataType, Field};

use crate::honest::field;

pub fn lie(mut binding: Binding) -> Binding {
    let parent = Field { children: u32::MAX, ..field("parent", DataType::Struct) };
    binding.output.fields.push(parent);
    binding
}
