//! Types as operators write them in a configuration; [`crate::target`] checks them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use wasmill_plugin_sdk::config;

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

/// Options of which most have defaults, so that a name is mostly enough: `"total"`, or `{ path = "total", type = "int64" }`.
#[derive(Debug, Clone)]
pub struct Short<T>(pub T);

/// What can be written as a name alone.
pub trait FromName: Sized {
    /// What is expected, for messages: a name and an example of the options.
    const EXPECTED: &'static str;

    fn from_name(name: &str) -> Self;
}

impl<'de, T: FromName + Deserialize<'de>> Deserialize<'de> for Short<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrOptions<T>(std::marker::PhantomData<T>);

        impl<'de, T: FromName + Deserialize<'de>> Visitor<'de> for NameOrOptions<T> {
            type Value = Short<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str(T::EXPECTED)
            }

            fn visit_str<E>(self, name: &str) -> Result<Short<T>, E> {
                Ok(Short(T::from_name(name)))
            }

            fn visit_map<A: MapAccess<'de>>(self, options: A) -> Result<Short<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(options)).map(Short)
            }
        }

        deserializer.deserialize_any(NameOrOptions(std::marker::PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Short<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("NameOr{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, generator.subschema_for::<T>()] })
    }
}

/// The JSON pointer (RFC 6901) to `key` in the map `map`.
pub fn pointer_to(map: &str, key: &str) -> String {
    format!("/{map}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(pointer_to("types", "a/b~c"), "/types/a~1b~0c");
    }
}
