//! Keeps instants in a time zone that does not exist.

use wasmill_plugin_sdk::bindings::extract::Binding;
use wasmill_plugin_sdk::bindings::types::{DataType, TimeUnit, TimestampType};

use crate::honest::field;

pub fn lie(mut binding: Binding) -> Binding {
    let zone = Some("Nowhere/\u{1b}[2J".to_owned());
    let instant = DataType::Timestamp(TimestampType { unit: TimeUnit::Second, zone });
    binding.output.fields.push(field("instant", instant));
    binding
}
