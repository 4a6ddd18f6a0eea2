//! The configuration as operators write it; [`crate::Lookup`] checks it.

use std::collections::BTreeMap;
use std::fmt;

use wasmill_plugin_sdk::config;
use wasmill_plugin_values::config::{FromName, Short, TypeConfig};

/// Which table to search, by what, and which columns to add.
#[config]
pub struct LookupConfig<T> {
    /// The reference table.
    pub table: T,
    /// Columns of the input that are equal to columns of the table, such as `{ country = "code" }`. A null equals nothing.
    #[serde(default, rename = "match")]
    pub equal: BTreeMap<String, String>,
    /// A column of the input that begins with a text of the table; the longest such text counts.
    pub prefix: Option<PrefixConfig>,
    /// A column of the input that is within a range of the table.
    pub range: Option<RangeConfig>,
    /// Whether upper and lower case are the same in `match` and `prefix`; false by default.
    #[serde(default)]
    pub ignore_case: bool,
    /// The columns of the table to add: names, or `{ from = "vat", name = "vat_rate", type = "float64", default = 0 }`.
    #[schemars(length(min = 1))]
    pub add: Vec<Short<AddConfig>>,
    /// The name of a column that says whether a row of the table was found; none by default.
    pub found: Option<String>,
    /// What becomes of rows for which nothing is found.
    #[serde(default)]
    pub on_miss: MissPolicy,
    /// What becomes of rows of the table with the same keys.
    #[serde(default)]
    pub on_duplicate: DuplicatePolicy,
    /// How many bytes the text of the table may take, with 12 more for each value; 64 MiB by default. Searching takes about as
    /// much again.
    pub max_bytes: Option<u32>,
}

/// A column that begins with a text of the table.
#[config]
pub struct PrefixConfig {
    /// The utf8 column of the input.
    pub column: String,
    /// The column of the table with the beginnings.
    pub table: String,
}

/// A column that is within a range of the table.
#[config]
pub struct RangeConfig {
    /// The column of the input: numbers, dates, or timestamps in microseconds.
    pub column: String,
    /// The column of the table with the lower ends, which belong to the ranges; a null is no end.
    pub from: String,
    /// The column of the table with the upper ends; a null is no end.
    pub to: String,
    /// Whether the upper ends belong to the ranges; false by default.
    #[serde(default)]
    pub inclusive: bool,
}

/// A column of the table that becomes one of the output.
#[config]
pub struct AddConfig {
    /// The column of the table.
    pub from: String,
    /// The name of the new column; that of the table by default.
    pub name: Option<String>,
    /// The type that the text of the table is parsed into; utf8 by default.
    #[serde(rename = "type")]
    pub data_type: Option<TypeConfig>,
    /// With `on_miss = "default"`: the value where nothing is found; null by default.
    pub default: Option<DefaultConfig>,
}

/// A value where nothing is found.
#[config]
#[serde(untagged, expecting = "expected a boolean, a number or a text")]
pub enum DefaultConfig {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
}

impl fmt::Display for DefaultConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Number(value) => write!(formatter, "{value}"),
            Self::Text(value) => formatter.write_str(value),
        }
    }
}

/// What becomes of rows for which nothing is found.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MissPolicy {
    /// The new columns are null.
    #[default]
    Null,
    /// The new columns have their defaults.
    Default,
    /// The row goes to the quarantine.
    Reject,
    /// The row is left out.
    Drop,
}

/// What becomes of rows of the table with the same keys.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DuplicatePolicy {
    /// The table cannot be used.
    #[default]
    Refuse,
    /// The first counts.
    First,
    /// The last counts.
    Last,
}

impl FromName for AddConfig {
    const EXPECTED: &'static str =
        "the name of a column of the table, or with options { from = \"vat\", type = \"float64\" }";

    fn from_name(name: &str) -> Self {
        Self { from: name.to_owned(), name: None, data_type: None, default: None }
    }
}
