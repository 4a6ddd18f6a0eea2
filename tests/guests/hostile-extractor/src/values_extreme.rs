//! Returns values at the ends of what their types can hold, and beyond what they mean: numbers that are none, dates that no
//! calendar knows, times after midnight.

use wasmill_plugin_sdk::bindings::extract::{Binding, Extracted};
use wasmill_plugin_sdk::bindings::types::{DataType, Node, Payload, TimeUnit, TimestampType};

use crate::honest::field;

/// One for each column, of its least and its greatest bits.
fn columns() -> Vec<(DataType, usize)> {
    let instant =
        |zone: &str| TimestampType { unit: TimeUnit::Second, zone: Some(zone.to_owned()) };
    vec![
        (DataType::Float32, 4),
        (DataType::Float64, 8),
        (DataType::Date32, 4),
        (DataType::Date64, 8),
        (DataType::Time32(TimeUnit::Second), 4),
        (DataType::Time64(TimeUnit::Nanosecond), 8),
        (DataType::Timestamp(instant("Europe/Berlin")), 8),
        (DataType::Timestamp(instant("+23:59")), 8),
        (DataType::Duration(TimeUnit::Second), 8),
    ]
}

pub fn bind(mut binding: Binding) -> Binding {
    let fields = columns().into_iter().enumerate();
    binding.output.fields =
        fields.map(|(number, (data_type, _))| field(&format!("c{number}"), data_type)).collect();
    binding
}

pub fn lie() -> Extracted {
    let nodes = columns().into_iter().map(|(_, width)| {
        let least = [vec![0; width - 1], vec![0x80]].concat();
        let greatest = [vec![0xff; width - 1], vec![0x7f]].concat();
        let values = [least, greatest, vec![0xff; width], vec![0; width]].concat();
        Node { length: 4, validity: Vec::new(), offsets: Vec::new(), values }
    });
    let values = Payload::Columns(nodes.collect());
    Extracted { rows: 4, values, bad_records: Vec::new() }
}
