//! Returns decimals of more digits than it declared.

use wasmill_plugin_sdk::bindings::extract::{Binding, Extracted};
use wasmill_plugin_sdk::bindings::types::{DataType, DecimalType, Node, Payload};

use crate::honest::field;

pub fn bind(mut binding: Binding) -> Binding {
    let amount = DataType::Decimal128(DecimalType { precision: 5, scale: 2 });
    binding.output.fields = vec![field("amount", amount)];
    binding
}

pub fn lie() -> Extracted {
    let values = i128::MAX.to_le_bytes().to_vec();
    let node = Node { length: 1, validity: Vec::new(), offsets: Vec::new(), values };
    Extracted { rows: 1, values: Payload::Columns(vec![node]), bad_records: Vec::new() }
}
