//! Whether the JSON Schema that a plugin declares can be applied in bounded time.
//!
//! A schema is a program: references can lead back to where they came from, which never ends, and alternatives of alternatives
//! grow by powers of two. Plugins are not trusted to have written neither. So before a schema is applied, the work is counted
//! that it does at one place of the configuration, references followed; what leads from one place to the next,
//! such as `properties`, ends with the configuration itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::diagnostic::Diagnostic;
use super::document::Document;
use super::reader::violations;

/// How many schemas may be applied at one place.
const MAX_WORK: u64 = 100_000;
/// How deep schemas may be nested, and how many references may follow each other.
const MAX_DEPTH: usize = 200;

/// Keywords whose schema is applied at the same place.
const ONE: [&str; 4] = ["not", "if", "then", "else"];
const MANY: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const BY_NAME: [&str; 1] = ["dependentSchemas"];
/// Keywords that make references lead elsewhere than they say.
const REBASING: [&str; 6] =
    ["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"];

/// Why a schema is not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SchemaRefused {
    #[error("its `$ref` `{0}` leads out of it, or to nothing")]
    Reference(String),
    #[error("it uses `{0}`")]
    Rebasing(&'static str),
    #[error("its references lead in a circle, or are nested too deeply")]
    Endless,
    #[error("it would be applied in more than {MAX_WORK} ways at one place")]
    TooMuchWork,
}

/// What a plugin's schema refuses of a configuration outside of a pipeline file: for people, one text for each mistake.
#[must_use]
pub fn refused(config: &Map<String, Value>, schema: &Value) -> Vec<String> {
    if let Err(refused) = check(schema) {
        return vec![format!("the config schema of the plugin cannot be applied: {refused}")];
    }
    let document = Document::made(Map::new());
    let told = |diagnostic: Diagnostic| match diagnostic.hint {
        Some(hint) => format!("{} ({hint})", diagnostic.message),
        None => diagnostic.message,
    };
    let config = Value::Object(config.clone());
    violations(&document, "", &config, schema).into_iter().map(told).collect()
}

/// Checks a schema that a plugin declares.
pub(crate) fn check(schema: &Value) -> Result<(), SchemaRefused> {
    let mut counting = Counting { root: schema, work: BTreeMap::new() };
    counting.all_places(schema, 0)
}

struct Counting<'a> {
    root: &'a Value,
    /// Of the schemas that references lead to, by pointer.
    work: BTreeMap<String, u64>,
}

impl Counting<'_> {
    /// Checks a schema and all that are in it, wherever they are applied.
    fn all_places(&mut self, value: &Value, depth: usize) -> Result<(), SchemaRefused> {
        if depth > MAX_DEPTH {
            return Err(SchemaRefused::Endless);
        }
        match value {
            Value::Object(keywords) => {
                if let Some(found) = REBASING.into_iter().find(|key| keywords.contains_key(*key)) {
                    return Err(SchemaRefused::Rebasing(found));
                }
                if self.work(value, 0)? > MAX_WORK {
                    return Err(SchemaRefused::TooMuchWork);
                }
                keywords.values().try_for_each(|inner| self.all_places(inner, depth + 1))
            }
            Value::Array(items) => {
                items.iter().try_for_each(|inner| self.all_places(inner, depth + 1))
            }
            _ => Ok(()),
        }
    }

    /// How many schemas are applied at one place by this one.
    fn work(&mut self, schema: &Value, depth: usize) -> Result<u64, SchemaRefused> {
        if depth > MAX_DEPTH {
            return Err(SchemaRefused::Endless);
        }
        let Value::Object(keywords) = schema else { return Ok(1) };
        let mut work = 1_u64;
        if let Some(reference) = keywords.get("$ref") {
            work = work.saturating_add(self.referred(reference, depth + 1)?);
        }
        let one = ONE.into_iter().filter_map(|key| keywords.get(key));
        let many = MANY.into_iter().filter_map(|key| keywords.get(key)?.as_array()).flatten();
        let by_name = BY_NAME.into_iter().filter_map(|key| keywords.get(key)?.as_object());
        for inner in one.chain(many).chain(by_name.flat_map(|schemas| schemas.values())) {
            work = work.saturating_add(self.work(inner, depth + 1)?);
        }
        Ok(work)
    }

    fn referred(&mut self, reference: &Value, depth: usize) -> Result<u64, SchemaRefused> {
        let text = reference.as_str().unwrap_or_default();
        let refused = || SchemaRefused::Reference(text.chars().take(80).collect());
        let pointer = text.strip_prefix('#').ok_or_else(refused)?;
        if let Some(work) = self.work.get(pointer) {
            return Ok(*work);
        }
        let target = self.root.pointer(pointer).ok_or_else(refused)?;
        let work = self.work(target, depth)?;
        self.work.insert(pointer.to_owned(), work);
        Ok(work)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_of_plugins_are_fine() {
        for schema in [
            json!({ "type": "object", "properties": { "a": { "type": "string" } } }),
            json!({ "$defs": { "rule": { "oneOf": [{ "type": "string" }, { "type": "object" }] } },
                "properties": { "rules": { "items": { "$ref": "#/$defs/rule" } } } }),
            // A tree: each level is another place.
            json!({ "$defs": { "tree": { "properties": { "children": { "items": { "$ref": "#/$defs/tree" } } } } },
                "$ref": "#/$defs/tree" }),
        ] {
            assert_eq!(check(&schema), Ok(()), "{schema}");
        }
    }

    #[test]
    fn circles_are_refused() {
        for schema in [
            json!({ "$ref": "#" }),
            json!({ "properties": { "a": { "$ref": "#/properties/a" } } }),
            json!({ "$defs": { "a": { "anyOf": [true, { "$ref": "#/$defs/b" }] },
                "b": { "not": { "$ref": "#/$defs/a" } } } }),
        ] {
            assert_eq!(check(&schema), Err(SchemaRefused::Endless), "{schema}");
        }
        let mut deep = json!(true);
        (0..300).for_each(|_| deep = json!({ "not": deep }));
        assert_eq!(check(&deep), Err(SchemaRefused::Endless));
    }

    #[test]
    fn powers_of_two_are_refused() {
        let mut definitions = Map::new();
        for level in 0..60 {
            let next = json!({ "$ref": format!("#/$defs/{}", level + 1) });
            definitions.insert(level.to_string(), json!({ "allOf": [next, next] }));
        }
        definitions.insert("60".to_owned(), json!({ "type": "string" }));
        let schema = json!({ "$defs": definitions, "$ref": "#/$defs/0" });
        assert_eq!(check(&schema), Err(SchemaRefused::TooMuchWork));
    }

    #[test]
    fn references_stay_within() {
        for reference in ["https://example.com/schema", "#anchor", "other.json", "#/$defs/none"] {
            let refused = check(&json!({ "$ref": reference })).unwrap_err();
            assert!(matches!(refused, SchemaRefused::Reference(_)), "{reference}: {refused}");
        }
        assert_eq!(check(&json!({ "$id": "a" })), Err(SchemaRefused::Rebasing("$id")));
    }
}
