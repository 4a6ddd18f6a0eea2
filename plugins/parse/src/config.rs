//! The configuration as operators write it; [`crate::step`] checks it.

use std::collections::BTreeMap;

use wasmill_plugin_sdk::config;
use wasmill_plugin_values::config::{FromName, Short, TypeConfig};

/// Which columns to take apart, and how.
#[config]
pub struct ParseConfig {
    /// What to take apart. All steps read the columns of the input, so none depends on another.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepConfig>,
    /// Patterns of your own by name, for the steps of the format `grok`, such as `{ ORDER_NO = "[A-Z]{2}-[0-9]{6}" }`.
    #[serde(default)]
    pub patterns: BTreeMap<String, String>,
}

/// One column to take apart.
#[config]
pub struct StepConfig {
    /// The utf8 column with the text.
    pub column: String,
    /// What the text is.
    pub format: FormatName,
    /// Which parts to make columns of: names, or `{ from = "status", name = "code", type = "int16" }`. All parts that the
    /// format has, unless given; `key_value` and `csv` need them.
    pub fields: Option<Vec<Short<FieldConfig>>>,
    /// What stands before the names of new columns, where the field gives none: nothing, but `COLUMN_` for the formats `url`,
    /// `user_agent` and `phone`.
    pub prefix: Option<String>,
    /// What becomes of text that is not of the format, or holds a value that is not of the type of its field.
    #[serde(default)]
    pub on_failure: FailurePolicy,
    /// Whether the output lacks the column that was taken apart.
    #[serde(default)]
    pub drop: bool,
    /// Of `regex` and `grok`: the pattern, or a list of them, of which the first that fits counts.
    pub pattern: Option<PatternConfig>,
    /// Of `regex` and `grok`: whether it is enough that the pattern is found somewhere in the text; otherwise it has to fit
    /// from end to end.
    pub search: Option<bool>,
    /// Of `key_value`: what stands between pairs; any white space by default.
    pub pair_separator: Option<String>,
    /// Of `key_value`: what stands between key and value; `=` by default.
    pub key_separator: Option<String>,
    /// Of `csv`: the character between values; `,` by default.
    pub delimiter: Option<String>,
    /// Of `url`: whether texts without scheme and host, such as `/search?q=1`, are URLs too; false by default.
    pub relative: Option<bool>,
    /// Of `phone`: in which country numbers without a country code are, as two letters such as `DE`. Without it, such numbers
    /// are failures.
    pub country: Option<String>,
}

/// What the text of a column is.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FormatName {
    /// What a regular expression describes; named groups are the parts.
    Regex,
    /// What a pattern made of named patterns describes: `%{IP:client} %{NUMBER:seconds:float64}`.
    Grok,
    /// Pairs of key and value: `level=info msg="all is well"`.
    KeyValue,
    /// Values of a line of CSV.
    Csv,
    /// A URL.
    Url,
    /// What a browser says of itself.
    UserAgent,
    /// A phone number.
    Phone,
}

/// One pattern, or several.
#[config]
#[serde(untagged, expecting = "expected a pattern or a list of patterns")]
pub enum PatternConfig {
    One(String),
    Several(Vec<String>),
}

/// A part of the text, and the column that it becomes.
#[config]
pub struct FieldConfig {
    /// Which part: a group, a key, a part of a URL and so on.
    pub from: String,
    /// The name of the column; the prefix and `from` by default.
    pub name: Option<String>,
    /// The type of the column; that which the pattern or the format gives, else utf8.
    #[serde(rename = "type")]
    pub data_type: Option<TypeConfig>,
}

/// What becomes of text that cannot be taken apart.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum FailurePolicy {
    /// Its row goes to the quarantine.
    #[default]
    Reject,
    /// Text that is not of the format makes all its fields null; a value that is not of its type makes that field null.
    Null,
}

impl FromName for FieldConfig {
    const EXPECTED: &'static str = "the name of a part such as \"status\", or with options { from = \"status\", name = \
                                    \"code\", type = \"int16\" }";

    fn from_name(name: &str) -> Self {
        Self { from: name.to_owned(), name: None, data_type: None }
    }
}
