//! The configuration as operators write it; [`crate::json_rows`] and [`crate::nested_rows`] check it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use wasmill_plugin_sdk::config;
use wasmill_plugin_values::config::{FromName, Short, TypeConfig};

/// Which parts of a nested column become columns, and which list becomes rows.
#[config]
pub struct FlattenConfig {
    /// The nested column: utf8 with JSON text, or a struct, list or map.
    pub column: String,
    /// What becomes columns: paths such as `"customer.name"` and `"items[0].sku"`, or `{ path = "total", name = "sum", type =
    /// "float64" }`. Of a struct column: all fields, down to `depth`, unless given.
    pub columns: Option<Vec<Short<ColumnConfig>>>,
    /// A list whose elements become rows.
    pub explode: Option<ExplodeConfig>,
    /// What stands between the parts of a path in the name of a column; `_` by default.
    pub separator: Option<String>,
    /// What stands before such names; nothing by default.
    pub prefix: Option<String>,
    /// Whether the output has the nested column too; false by default.
    #[serde(default)]
    pub keep: bool,
    /// How deep. JSON text that is nested deeper is rejected (32 by default, at most 128); of a struct column without `columns`,
    /// fields down to this level become columns (all by default).
    #[schemars(range(min = 1, max = 128))]
    pub depth: Option<usize>,
    /// Of JSON text: what becomes of keys that no path names.
    pub unknown: Option<UnknownPolicy>,
    /// Of `unknown = "keep"`: the column that they are kept in, as a JSON object; `rest` by default.
    pub unknown_column: Option<String>,
    /// Of JSON text: what becomes of values that are not of the type of their column.
    pub on_mismatch: Option<MismatchPolicy>,
    /// Of JSON text: what becomes of text that is no JSON.
    pub on_bad_json: Option<BadJsonPolicy>,
}

/// A path, and the column that it becomes.
#[config]
pub struct ColumnConfig {
    /// Keys with points between them, `[0]` for the first element of a list; keys with other characters in quotes:
    /// `address."zip code"`.
    pub path: String,
    /// The name of the column; the parts of the path by default.
    pub name: Option<String>,
    /// Of JSON text: the type of the column, utf8 by default. `json` takes any value, as JSON text.
    #[serde(rename = "type")]
    pub data_type: Option<ColumnType>,
    /// Of JSON text: whether a row without a value here is rejected; false by default.
    pub required: Option<bool>,
}

/// A list of which each element becomes a row.
#[config]
pub struct ExplodeConfig {
    /// Where the list is; the nested column itself where nothing is said.
    pub path: Option<String>,
    /// What becomes columns: paths from the element on; an empty path is the element itself. Of structs: all fields, unless given.
    pub columns: Option<Vec<Short<ColumnConfig>>>,
    /// What stands before the names of these columns; nothing by default.
    pub prefix: Option<String>,
    /// The name of a column with the position of the element, from 0; none by default.
    pub position: Option<String>,
    /// Whether a row without elements stays as one row, with nulls for the element; otherwise it is dropped.
    #[serde(default)]
    pub outer: bool,
    /// The input columns that each row repeats, such as `["order_id"]` for a table of children; all by default.
    pub parents: Option<Vec<String>>,
    /// How many elements there are at most; rows with more are rejected. 10,000 by default.
    #[schemars(range(min = 1))]
    pub max_elements: Option<usize>,
}

/// What becomes of keys that no path names.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum UnknownPolicy {
    /// They are left out.
    #[default]
    Ignore,
    /// They are kept in a column of their own.
    Keep,
    /// The row goes to the quarantine.
    Reject,
}

/// What becomes of a value that is not of the type of its column.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MismatchPolicy {
    /// The row goes to the quarantine.
    #[default]
    Reject,
    /// It becomes null.
    Null,
    /// Its JSON text is the value of a utf8 column; a column of another type is null, and the text is in the column `NAME_text`.
    Text,
}

/// What becomes of text that is no JSON.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BadJsonPolicy {
    /// The row goes to the quarantine.
    #[default]
    Reject,
    /// It counts as null.
    Null,
}

/// The type of a column that is made of JSON.
#[derive(Debug, Clone)]
pub enum ColumnType {
    /// Any value, as JSON text.
    Json,
    Typed(TypeConfig),
}

impl FromName for ColumnConfig {
    const EXPECTED: &'static str = "a path such as \"customer.name\", or with options { path = \"total\", type = \"float64\" }";

    fn from_name(path: &str) -> Self {
        Self { path: path.to_owned(), name: None, data_type: None, required: None }
    }
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrOptions;

        impl<'de> Visitor<'de> for NameOrOptions {
            type Value = ColumnType;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str(
                    "a type such as \"int64\" or \"json\", or with options { type = \"date\", formats = [\"%d/%m/%Y\"] }",
                )
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ColumnType, E> {
                if name == "json" {
                    return Ok(ColumnType::Json);
                }
                TypeConfig::deserialize(StrDeserializer::new(name)).map(ColumnType::Typed)
            }

            fn visit_map<A: MapAccess<'de>>(self, options: A) -> Result<ColumnType, A::Error> {
                TypeConfig::deserialize(MapAccessDeserializer::new(options)).map(ColumnType::Typed)
            }
        }

        deserializer.deserialize_any(NameOrOptions)
    }
}

impl JsonSchema for ColumnType {
    fn schema_name() -> Cow<'static, str> {
        "ColumnType".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The type of a column: `json`, or one that text is parsed into.",
            "anyOf": [{ "const": "json" }, generator.subschema_for::<TypeConfig>()],
        })
    }
}
