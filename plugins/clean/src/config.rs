//! The configuration as operators write it; [`crate::treatment`] and [`wasmill_plugin_values::target`] check it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Visitor};
use wasmill_plugin_sdk::config;
use wasmill_plugin_values::config::TypeConfig;

/// What to clean. Each value is trimmed, repaired, compared with the null tokens, brought into one case and
/// parsed, in this order; then nulls are filled, rows without required values rejected and repeated rows
/// dropped; at last columns are renamed and dropped.
#[config]
pub struct CleanConfig {
    /// The utf8 columns whose values lose the white space at both ends, such as `["name", "email"]`, or
    /// `true` for all of them.
    pub trim: Option<TrimConfig>,
    /// The utf8 columns in which text that is UTF-8, but was read as Windows-1252 or Latin-1, is repaired:
    /// `JosÃ©` becomes `José`. Whatever is no such text stays as it is.
    #[serde(default)]
    pub fix_encoding: Vec<String>,
    /// Values that mean null, such as `["", "NULL", "N/A"]`: exact, after trimming and repair.
    #[serde(default)]
    pub null_tokens: Vec<String>,
    /// The utf8 columns in which null tokens are looked for; all of them by default.
    pub null_columns: Option<Vec<String>>,
    /// The case of utf8 columns, such as `{ email = "lower", country = "upper" }`.
    #[serde(default)]
    pub case: BTreeMap<String, CaseName>,
    /// The types that utf8 columns are parsed into, such as `{ quantity = "int64", amount = { type = "decimal",
    /// precision = 12, scale = 2 }, day = { type = "date", formats = ["%d/%m/%Y"] } }`.
    #[serde(default)]
    pub types: BTreeMap<String, TypeConfig>,
    /// What becomes of a value that cannot be parsed.
    #[serde(default)]
    pub on_bad_value: BadValuePolicy,
    /// What stands instead of nulls, such as `{ quantity = 1, currency = "EUR", day = "2025-12-31" }`: a value
    /// of the type that the column has in the output.
    #[serde(default)]
    pub defaults: BTreeMap<String, DefaultConfig>,
    /// Columns without which a row is of no use: rows with a null in one of them are rejected.
    #[serde(default)]
    pub required: Vec<String>,
    /// Which rows repeat others, and are dropped.
    pub deduplicate: Option<DeduplicateConfig>,
    /// New names by old names, such as `{ e_mail = "email" }`.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Columns that the output lacks.
    #[serde(default)]
    pub drop: Vec<String>,
}

/// The columns to trim.
#[config]
#[serde(untagged, expecting = "expected true or a list of column names such as [\"name\"]")]
pub enum TrimConfig {
    /// `true` for all utf8 columns.
    All(bool),
    /// Column names.
    Named(Vec<String>),
}

/// The case of the values of a column.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum CaseName {
    /// All letters small.
    Lower,
    /// All letters capital.
    Upper,
    /// The first letter of each word capital, the others small.
    Title,
}

/// What becomes of a value that cannot be parsed.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BadValuePolicy {
    /// Its row goes to the quarantine.
    #[default]
    Reject,
    /// It becomes null.
    Null,
}

/// Which rows repeat others.
#[config]
pub struct DeduplicateConfig {
    /// Rows whose input values in these columns are all equal are the same; the first is kept. Null equals null.
    #[schemars(length(min = 1))]
    pub by: Vec<String>,
}

/// A scalar that stands instead of nulls.
#[derive(Debug, Clone, PartialEq)]
pub enum DefaultConfig {
    Boolean(bool),
    Integer(i128),
    Number(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for DefaultConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;

        impl Visitor<'_> for AnyScalar {
            type Value = DefaultConfig;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a boolean, a number or a text")
            }

            fn visit_bool<E>(self, value: bool) -> Result<DefaultConfig, E> {
                Ok(DefaultConfig::Boolean(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<DefaultConfig, E> {
                Ok(DefaultConfig::Integer(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<DefaultConfig, E> {
                Ok(DefaultConfig::Integer(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<DefaultConfig, E> {
                Ok(DefaultConfig::Number(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<DefaultConfig, E> {
                Ok(DefaultConfig::Text(value.to_owned()))
            }
        }

        deserializer.deserialize_any(AnyScalar)
    }
}

impl JsonSchema for DefaultConfig {
    fn schema_name() -> Cow<'static, str> {
        "Default".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What stands instead of nulls: a scalar of the type of the column.",
            "type": ["boolean", "number", "string"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use wasmill_plugin_values::config::TypeName;

    fn parse(config: Value) -> Result<CleanConfig, String> {
        serde_json::from_value(config).map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_optional() {
        assert!(parse(json!({})).is_ok());
    }

    #[test]
    fn a_type_is_a_name_or_an_object() {
        let config = parse(json!({"types": {
            "a": "uint8",
            "b": {"type": "decimal", "precision": 12, "scale": 2},
        }}));
        let types = config.unwrap().types;
        assert_eq!(types["a"].0.name, TypeName::UInt8);
        assert_eq!((types["b"].0.name, types["b"].0.scale), (TypeName::Decimal, Some(2)));
    }

    #[test]
    fn a_default_is_a_scalar() {
        let config = parse(json!({"defaults": {"a": true, "b": u64::MAX, "c": 0.5, "d": ""}}));
        let defaults: Vec<_> = config.unwrap().defaults.into_values().collect();
        assert_eq!(
            defaults,
            [
                DefaultConfig::Boolean(true),
                DefaultConfig::Integer(u64::MAX.into()),
                DefaultConfig::Number(0.5),
                DefaultConfig::Text(String::new()),
            ]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (config, expected) in [
            (json!({"trimm": true}), "unknown field `trimm`"),
            (json!({"trim": "name"}), "expected true or a list of column names"),
            (json!({"case": {"a": "camel"}}), "unknown variant `camel`"),
            (
                json!({"types": {"a": "date32"}}),
                "unknown variant `date32`, expected one of `boolean`",
            ),
            (json!({"types": {"a": 1}}), "a type such as \"int64\""),
            (json!({"types": {"a": {"scale": 1}}}), "missing field `type`"),
            (json!({"types": {"a": {"type": "date", "format": "%Y"}}}), "unknown field `format`"),
            (json!({"defaults": {"a": [1]}}), "a boolean, a number or a text"),
            (json!({"defaults": {"a": null}}), "a boolean, a number or a text"),
            (
                json!({"on_bad_value": "drop"}),
                "unknown variant `drop`, expected `reject` or `null`",
            ),
            (json!({"deduplicate": {}}), "missing field `by`"),
        ] {
            let message = parse(config).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
