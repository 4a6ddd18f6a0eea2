//! Fixtures of plugins: `plugins/NAME/tests/*.toml`, each a list of cases with input and expected outcome.
//!
//! ```toml
//! [[case]]
//! name = "dates in two formats"
//! config = { types = { day = { type = "date", formats = ["%d/%m/%Y"] } } }
//! schema = { id = "int64", day = "utf8" }
//! rows = [{ id = 1, day = "31/12/2025" }, { id = 2, day = "soon" }]
//! expect.schema = { id = "int64", day = "date32" }
//! expect.rows = [{ id = 1, day = "2025-12-31" }]
//! expect.rejected = [{ row = 1, rule = "bad-date", column = "day" }]
//! ```
//!
//! A key that is left out is a null: TOML has none. Instead of rows, `expect.error` gives a part of the message with which the plugin refuses.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::json::ReaderBuilder;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    pub case: Vec<Case>,
}

/// One case: input and expected outcome.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Column names and types, in order.
    #[serde(default)]
    pub schema: Map<String, Value>,
    #[serde(default)]
    pub rows: Vec<Map<String, Value>>,
    pub expect: Expectation,
}

/// What should come out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    pub schema: Option<Map<String, Value>>,
    pub rows: Option<Vec<Map<String, Value>>>,
    #[serde(default)]
    pub rejected: Vec<ExpectedFinding>,
    #[serde(default)]
    pub warned: Vec<ExpectedFinding>,
    /// Of a validator: the rules of the conclusion that do not pass.
    #[serde(default)]
    pub conclusion: Vec<ExpectedRule>,
    pub error: Option<String>,
}

/// A row that should be found wrong.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFinding {
    pub row: u32,
    pub rule: String,
    pub column: Option<String>,
}

/// A rule that should not pass.
#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone)]
#[serde(deny_unknown_fields)]
pub struct ExpectedRule {
    pub rule: String,
    pub column: Option<String>,
    /// `warn` or `refuse`.
    pub outcome: String,
    pub violated: u64,
}

impl Fixture {
    /// Reads a file of cases.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Case {
    pub fn input_schema(&self) -> SchemaRef {
        schema(&self.schema)
    }

    /// The input rows as a batch.
    pub fn input(&self) -> RecordBatch {
        let schema = self.input_schema();
        if self.rows.is_empty() {
            return RecordBatch::new_empty(schema);
        }
        let mut decoder = ReaderBuilder::new(schema)
            .with_batch_size(self.rows.len())
            .build_decoder()
            .expect("a decoder");
        decoder.serialize(&self.rows).expect("rows of the declared types");
        decoder.flush().expect("rows of the declared types").expect("at least one row")
    }
}

/// A schema of nullable columns from names and types.
pub fn schema(columns: &Map<String, Value>) -> SchemaRef {
    let fields = columns.iter().map(|(name, data_type)| {
        let data_type = data_type.as_str().expect("the type of a column is a string");
        Field::new(name, parse_type(data_type), true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn parse_type(text: &str) -> DataType {
    match text {
        "boolean" => DataType::Boolean,
        "int32" => DataType::Int32,
        "int64" => DataType::Int64,
        "uint64" => DataType::UInt64,
        "float32" => DataType::Float32,
        "float64" => DataType::Float64,
        "utf8" => DataType::Utf8,
        "date32" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamp(UTC)" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        // Arrow's own notation, such as `Decimal128(12, 2)`.
        other => other.parse().unwrap_or_else(|error| panic!("type {other}: {error}")),
    }
}

/// A batch as rows, without nulls.
pub fn rows(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    let text = wasmill_sandbox::contract::json::encode(batch).expect("every type has a JSON form");
    let mut rows: Vec<Map<String, Value>> = serde_json::from_str(&text).expect("JSON");
    rows.iter_mut().for_each(|row| row.retain(|_, value| !value.is_null()));
    rows
}
