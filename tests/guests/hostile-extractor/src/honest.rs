//! What the plugin does without an attack: one split, of rows that hold their number, and the text `v`.

use wasmill_plugin_sdk::bindings::extract::{Binding, Extracted, Split};
use wasmill_plugin_sdk::bindings::types::{DataType, Encoding, Field, Node, Payload, Schema};

pub fn binding() -> Binding {
    let fields = vec![field("value", DataType::Int64), field("text", DataType::Utf8)];
    Binding { output: Schema { fields }, encoding: Encoding::Columns }
}

pub fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.to_owned(), data_type, nullable: true, children: 0, metadata: Vec::new() }
}

pub fn split(id: &str) -> Split {
    Split { id: id.to_owned(), descriptor: String::new(), rows: None, bytes: None }
}

pub fn extracted(rows: u32) -> Extracted {
    let values = Node {
        length: rows,
        validity: Vec::new(),
        offsets: Vec::new(),
        values: (0..i64::from(rows)).flat_map(i64::to_le_bytes).collect(),
    };
    let texts = Node {
        length: rows,
        validity: Vec::new(),
        offsets: (0..=rows as i32).flat_map(i32::to_le_bytes).collect(),
        values: vec![b'v'; rows as usize],
    };
    Extracted { rows, values: Payload::Columns(vec![values, texts]), bad_records: Vec::new() }
}
