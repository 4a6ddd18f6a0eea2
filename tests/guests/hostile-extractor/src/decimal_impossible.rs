//! Declares a decimal of more digits than there can be.

use wasmill_plugin_sdk::bindings::extract::Binding;
use wasmill_plugin_sdk::bindings::types::{DataType, DecimalType};

use crate::honest::field;

pub fn lie(mut binding: Binding) -> Binding {
    let decimal = DataType::Decimal128(DecimalType { precision: u8::MAX, scale: i8::MIN });
    binding.output.fields.push(field("amount", decimal));
    binding
}
