//! The configuration as operators write it; [`crate::action`] and [`crate::search`] check it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use wasmill_plugin_sdk::config;

/// Which personal data to hide, and how.
#[config]
pub struct PiiConfig {
    /// The secret for hashing, at least 16 bytes; needed where any action is `hash`. The same value under
    /// the same key gives the same hash in every table and run.
    #[schemars(extend("writeOnly" = true))]
    pub key: Option<String>,
    /// What to do with whole columns: an action by column name, such as
    /// `{ email = "hash", iban = { action = "mask", keep_first = 4 }, passport = "drop" }`.
    #[serde(default)]
    pub columns: BTreeMap<String, ActionConfig>,
    /// What to look for inside of text, where only what is found is replaced, such as
    /// `[{ columns = ["note"], kinds = ["email", "phone"], action = "redact" }]`.
    #[serde(default)]
    pub detect: Vec<DetectConfig>,
}

/// What to do with a column: an action by its name, or with options.
#[derive(Debug, Clone)]
pub struct ActionConfig(pub ActionOptions);

/// The name of an action.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ActionName {
    /// Replaces each value by its HMAC-SHA256 under `key`.
    Hash,
    /// Replaces the characters of each value, but for the last four.
    Mask,
    /// Replaces each value by one text.
    Redact,
    /// Leaves the column out of the output.
    Drop,
}

/// An action with its options.
#[config]
pub struct ActionOptions {
    /// What to do with the column.
    pub action: ActionName,
    /// Of `hash`: how many hexadecimal digits to keep, 8 to 64; 32 by default. With fewer than 16,
    /// different values of a large column will share a hash.
    #[schemars(range(min = 8, max = 64))]
    pub length: Option<usize>,
    /// Of `hash`: whether to trim and lower-case values first, so that the same person is hashed alike;
    /// true by default.
    pub normalize: Option<bool>,
    /// Of `hash`: a text to stand before each hash, such as `customer_`; none by default.
    pub prefix: Option<String>,
    /// Of `mask`: how many characters stay at the start; 0 by default, 1 for the kind `email`.
    pub keep_first: Option<usize>,
    /// Of `mask`: how many characters stay at the end; 4 by default, 0 for the kind `email`. A value with
    /// no more characters than are to stay is masked whole.
    pub keep_last: Option<usize>,
    /// Of `mask`: the character that stands for each hidden one, `*` by default. Of `redact`: the text that
    /// stands for each value, `[redacted]` by default.
    pub with: Option<String>,
    /// Of `mask`: what the values are. For `email` only the part before the `@` is masked, as in
    /// `j***@example.com`; a value that is no address is masked whole.
    pub kind: Option<MaskKind>,
    /// Of `redact`: whether to write nulls instead of a text; false by default.
    pub to_null: Option<bool>,
}

/// What the values of a masked column are.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MaskKind {
    /// E-mail addresses.
    Email,
}

/// What to look for in which columns.
#[config]
pub struct DetectConfig {
    /// The columns to search, such as `["note", "subject"]`, or `"*"` for every utf8 column that is not
    /// named under `columns`.
    pub columns: DetectColumns,
    /// What to look for: `email`, `phone` (numbers of 7 to 15 digits in international or national
    /// grouping), `card` (numbers of payment cards with a known prefix and a valid check digit).
    #[schemars(length(min = 1))]
    pub kinds: Vec<KindName>,
    /// What to write instead of what is found.
    pub action: DetectAction,
}

/// The columns to search.
#[config]
#[serde(untagged, expecting = "expected \"*\" or a list of column names such as [\"note\"]")]
pub enum DetectColumns {
    /// `"*"`.
    All(String),
    /// Column names.
    Named(Vec<String>),
}

/// What can be found in text.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum KindName {
    /// E-mail addresses.
    Email,
    /// Phone numbers.
    Phone,
    /// Numbers of payment cards.
    Card,
}

/// What to write instead of what was found.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum DetectAction {
    /// One `*` for each character before the `@` of an address, and for each digit of a number but the last four.
    Mask,
    /// `[email]`, `[phone]` or `[card]`.
    Redact,
    /// The same with 8 hexadecimal digits of the hash under `key`, such as `[email:ab12cd34]`.
    Hash,
}

impl<'de> Deserialize<'de> for ActionConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrOptions;

        impl<'de> Visitor<'de> for NameOrOptions {
            type Value = ActionConfig;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str(
                    "an action such as \"hash\", or with options { action = \"mask\", keep_last = 4 }",
                )
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ActionConfig, E> {
                let action = ActionName::deserialize(StrDeserializer::new(name))?;
                Ok(ActionConfig(ActionOptions::plain(action)))
            }

            fn visit_map<A: MapAccess<'de>>(self, options: A) -> Result<ActionConfig, A::Error> {
                ActionOptions::deserialize(MapAccessDeserializer::new(options)).map(ActionConfig)
            }
        }

        deserializer.deserialize_any(NameOrOptions)
    }
}

impl JsonSchema for ActionConfig {
    fn schema_name() -> Cow<'static, str> {
        "Action".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What to do with a column: an action by its name, or with options.",
            "anyOf": [
                generator.subschema_for::<ActionName>(),
                generator.subschema_for::<ActionOptions>(),
            ],
        })
    }
}

impl ActionOptions {
    /// An action without options.
    pub fn plain(action: ActionName) -> Self {
        Self {
            action,
            length: None,
            normalize: None,
            prefix: None,
            keep_first: None,
            keep_last: None,
            with: None,
            kind: None,
            to_null: None,
        }
    }
}

/// The JSON pointer (RFC 6901) to `key` in the map `map`.
pub fn pointer_to(map: &str, key: &str) -> String {
    format!("/{map}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(action: serde_json::Value) -> Result<ActionOptions, String> {
        let action: Result<ActionConfig, _> = serde_json::from_value(action);
        action.map(|action| action.0).map_err(|error| error.to_string())
    }

    #[test]
    fn an_action_is_a_name_or_an_object() {
        assert_eq!(parse(json!("drop")).unwrap().action, ActionName::Drop);
        let masked = parse(json!({"action": "mask", "keep_first": 2})).unwrap();
        assert_eq!((masked.action, masked.keep_first), (ActionName::Mask, Some(2)));
    }

    #[test]
    fn mistakes_in_actions_are_named() {
        for (action, expected) in [
            (json!("hide"), "unknown variant `hide`, expected one of `hash`, `mask`"),
            (json!(1), "an action such as \"hash\""),
            (
                json!({"action": "mask", "keep": 1}),
                "unknown field `keep`, expected one of `action`",
            ),
            (json!({"keep_last": 1}), "missing field `action`"),
        ] {
            let message = parse(action).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(pointer_to("columns", "a/b~c"), "/columns/a~1b~0c");
    }
}
