//! Declares values of four gigabytes each.

use wasmill_plugin_sdk::bindings::extract::Binding;
use wasmill_plugin_sdk::bindings::types::DataType;

use crate::honest::field;

pub fn lie(mut binding: Binding) -> Binding {
    binding.output.fields.push(field("huge", DataType::FixedSizeBinary(u32::MAX)));
    binding
}
