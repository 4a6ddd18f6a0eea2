//! Declares a struct with more children than follow it.

use wasmill_plugin_sdk::bindings::transform::{Binding, OutputColumn};
use wasmill_plugin_sdk::bindings::types::{DataType, Field};

use crate::honest::field;

pub fn bind(mut binding: Binding) -> Binding {
    let parent = Field { children: 1_000_000, ..field("parent", DataType::Struct) };
    binding.output.push(OutputColumn::New(vec![parent, field("child", DataType::Int64)]));
    binding
}
