//! Declares a great many columns.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::extract::Binding;
use wasmill_plugin_sdk::bindings::types::DataType;

use crate::honest::field;

pub fn lie(mut binding: Binding, order: &Order) -> Binding {
    let column = |number| field(&format!("column {number}"), DataType::Int64);
    binding.output.fields = (0..order.size(100_000)).map(column).collect();
    binding
}
