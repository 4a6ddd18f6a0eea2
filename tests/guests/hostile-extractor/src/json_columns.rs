//! Declares four thousand columns, and returns as many empty objects as it is asked for: of three bytes, the host makes
//! four thousand nulls.

use wasmill_plugin_sdk::bindings::extract::{Binding, Extracted};
use wasmill_plugin_sdk::bindings::types::{DataType, DecimalType, Encoding, Payload};

use crate::honest::field;

pub fn bind(mut binding: Binding) -> Binding {
    let wide = DataType::Decimal256(DecimalType { precision: 76, scale: 0 });
    let column = |number| field(&format!("column {number}"), wide.clone());
    binding.encoding = Encoding::Json;
    binding.output.fields = (0..4_000).map(column).collect();
    binding
}

pub fn lie(max_rows: u32) -> Extracted {
    let mut text = "{},".repeat(max_rows as usize);
    text.pop();
    let values = Payload::Json(format!("[{text}]"));
    Extracted { rows: max_rows, values, bad_records: Vec::new() }
}
