//! What the plugin does without an attack, and what the lies start from.
//!
//! Input: a column `value` (int64) and a column `text`. Output: both kept, then `double`, twice the value, and
//! `label`, the text `v` in each row.

use wasmill_plugin_sdk::bindings::transform::{
    Binding, KeptColumn, NewColumn, NewValues, Output, OutputColumn, Processed, Scope, Selection,
};
use wasmill_plugin_sdk::bindings::types::{
    Batch, DataType, Encoding, Field, Finding, Node, Payload,
};

/// What the plugin reads of a batch.
pub struct Input {
    pub values: Vec<i64>,
}

impl Input {
    pub fn new(batch: Batch) -> Self {
        let Payload::Columns(nodes) = batch.values else {
            panic!("the plugin was bound to columns");
        };
        let (values, _) = nodes[0].values.as_chunks();
        Self { values: values.iter().map(|&value| i64::from_le_bytes(value)).collect() }
    }

    pub fn rows(&self) -> u32 {
        self.values.len() as u32
    }
}

/// One output, in parts that lies can change.
pub struct Answer {
    pub rows: Selection,
    pub double: Node,
    pub label: Node,
    pub bad_rows: Vec<Finding>,
}

impl Answer {
    pub fn into_processed(self) -> Processed {
        let columns = vec![
            NewColumn::PerInputRow(vec![self.double]),
            NewColumn::PerInputRow(vec![self.label]),
        ];
        let output = Output { rows: self.rows, values: NewValues::Columns(columns) };
        Processed { outputs: vec![output], bad_rows: self.bad_rows }
    }
}

pub fn binding() -> Binding {
    Binding {
        reads: vec![0],
        encoding: Encoding::Columns,
        output: vec![keep(0, "value"), keep(1, "text"), new("double"), label()],
        scope: Scope::Rows,
    }
}

pub fn answer(input: &Input) -> Answer {
    let doubles = input.values.iter().map(|value| value.wrapping_mul(2));
    let length = input.rows();
    Answer {
        rows: Selection::All,
        double: Node {
            length,
            validity: Vec::new(),
            offsets: Vec::new(),
            values: doubles.flat_map(i64::to_le_bytes).collect(),
        },
        label: Node {
            length,
            validity: Vec::new(),
            offsets: (0..=length as i32).flat_map(i32::to_le_bytes).collect(),
            values: vec![b'v'; input.values.len()],
        },
        bad_rows: Vec::new(),
    }
}

/// An input column that is passed on.
pub fn keep(input: u32, name: &str) -> OutputColumn {
    OutputColumn::Keep(KeptColumn { input, name: name.to_owned() })
}

/// An int64 column that the plugin makes.
pub fn new(name: &str) -> OutputColumn {
    OutputColumn::New(vec![field(name, DataType::Int64)])
}

fn label() -> OutputColumn {
    OutputColumn::New(vec![field("label", DataType::Utf8)])
}

pub fn field(name: &str, data_type: DataType) -> Field {
    Field { name: name.to_owned(), data_type, nullable: true, children: 0, metadata: Vec::new() }
}

/// A finding about these rows.
pub fn finding(rows: Vec<u32>) -> Finding {
    Finding { rows, rule: "made-up".to_owned(), column: None, message: "not so".to_owned() }
}
