//! Declares a great many output columns.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::transform::Binding;

use crate::honest::new;

pub fn bind(mut binding: Binding, order: &Order) -> Binding {
    binding.output.extend((0..order.size(100_000)).map(|column| new(&format!("column {column}"))));
    binding
}
