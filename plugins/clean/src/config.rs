//! The configuration as operators write it; [`crate::treatment`] and [`crate::target`] check it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use wasmill_plugin_sdk::config;

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

/// The name of a type.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TypeName {
    /// `true`, `t`, `yes`, `y`, `on`, `1` and their opposites, in any case.
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
    /// Text stays text.
    Utf8,
    /// A number with a fixed count of decimals.
    Decimal,
    /// A day.
    Date,
    /// An instant, in microseconds, UTC.
    Timestamp,
}

/// A type with its options.
#[config]
pub struct TypeOptions {
    /// The name of the type.
    #[serde(rename = "type")]
    pub name: TypeName,
    /// Of `decimal`: how many digits there are at most, decimals included; 1 to 38.
    #[schemars(range(min = 1, max = 38))]
    pub precision: Option<u8>,
    /// Of `decimal`: how many decimals there are; 0 by default. Text with more is bad, unless they are zeros.
    pub scale: Option<u8>,
    /// Of `decimal`: what stands between whole and decimals; `.` by default.
    pub decimal_separator: Option<String>,
    /// Of `decimal`: what may stand between groups of three digits, such as `,`; nothing by default.
    pub group_separator: Option<String>,
    /// Of `date` and `timestamp`: how the text is written, such as `["%d/%m/%Y", "%Y%m%d"]`; tried in this
    /// order. `%Y-%m-%d` for dates and `%+` (ISO 8601) for timestamps by default.
    pub formats: Option<Vec<String>>,
    /// Of `timestamp`: the zone of texts that name none, `UTC` or an offset such as `+01:00`; `UTC` by default.
    pub zone: Option<String>,
}

/// A type by its name, or with options.
#[derive(Debug, Clone)]
pub struct TypeConfig(pub TypeOptions);

/// A scalar that stands instead of nulls.
#[derive(Debug, Clone, PartialEq)]
pub enum DefaultConfig {
    Boolean(bool),
    Integer(i128),
    Number(f64),
    Text(String),
}

impl TypeOptions {
    /// A type without options.
    pub fn plain(name: TypeName) -> Self {
        Self {
            name,
            precision: None,
            scale: None,
            decimal_separator: None,
            group_separator: None,
            formats: None,
            zone: None,
        }
    }
}

impl<'de> Deserialize<'de> for TypeConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrOptions;

        impl<'de> Visitor<'de> for NameOrOptions {
            type Value = TypeConfig;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str(
                    "a type such as \"int64\", or with options { type = \"date\", formats = [\"%d/%m/%Y\"] }",
                )
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<TypeConfig, E> {
                let name = TypeName::deserialize(StrDeserializer::new(name))?;
                Ok(TypeConfig(TypeOptions::plain(name)))
            }

            fn visit_map<A: MapAccess<'de>>(self, options: A) -> Result<TypeConfig, A::Error> {
                TypeOptions::deserialize(MapAccessDeserializer::new(options)).map(TypeConfig)
            }
        }

        deserializer.deserialize_any(NameOrOptions)
    }
}

impl JsonSchema for TypeConfig {
    fn schema_name() -> Cow<'static, str> {
        "Type".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The type that a column is parsed into: by its name, or with options.",
            "anyOf": [
                generator.subschema_for::<TypeName>(),
                generator.subschema_for::<TypeOptions>(),
            ],
        })
    }
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

/// The JSON pointer (RFC 6901) to `key` in the map `map`.
pub fn pointer_to(map: &str, key: &str) -> String {
    format!("/{map}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

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

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(pointer_to("types", "a/b~c"), "/types/a~1b~0c");
    }
}
