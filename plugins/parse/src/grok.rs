//! Patterns made of named patterns: `%{IP:client} %{NUMBER:seconds:float64}`.
//!
//! `%{NAME}` stands for the pattern of that name, `%{NAME:part}` also makes it a part, and `%{NAME:part:type}` gives the part a
//! type. Names are those of [`crate::library`] and of the configuration, which goes first. What results is a regular expression.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use wasmill_plugin_values::config::TypeName;

use crate::library;

/// Patterns that name each other are expanded so deep. One that names itself would never end.
const MAX_DEPTH: usize = 16;
/// A few patterns that name each other several times make a text without bound.
const MAX_LENGTH: usize = 64 << 10;

/// The named patterns.
pub struct Grok<'a> {
    own: &'a BTreeMap<String, String>,
}

/// A pattern in which nothing is named any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    pub regex: String,
    pub fields: Vec<Field>,
}

/// A part of the text. Groups of a regular expression have names of their own, as parts may be named as one likes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub group: String,
    pub name: String,
    pub data_type: TypeName,
}

impl<'a> Grok<'a> {
    pub fn new(own: &'a BTreeMap<String, String>) -> Self {
        Self { own }
    }

    /// # Errors
    ///
    /// What cannot work, for people.
    pub fn expand(&self, pattern: &str) -> Result<Expanded, String> {
        let mut expanded = Expanded { regex: String::new(), fields: Vec::new() };
        self.expand_into(pattern, &mut expanded, &mut Vec::new())?;
        Ok(expanded)
    }

    fn expand_into<'b>(
        &'b self,
        pattern: &'b str,
        expanded: &mut Expanded,
        within: &mut Vec<&'b str>,
    ) -> Result<(), String> {
        let mut rest = pattern;
        while let Some((before, reference)) = rest.split_once("%{") {
            expanded.regex.push_str(before);
            let Some((reference, after)) = reference.split_once('}') else {
                return Err(format!("`%{{{reference}` has no closing brace"));
            };
            let mut words = reference.split(':');
            let name = words.next().unwrap_or_default();
            let (part, type_word, more) = (words.next(), words.next(), words.next());
            if more.is_some() {
                return Err(format!(
                    "`%{{{reference}}}` has too many parts; write %{{NAME:part:type}}"
                ));
            }
            let Some((name, definition)) = self.definition(name) else {
                return Err(format!(
                    "`%{{{reference}}}` names no pattern; define {name} in `patterns`, or use one of {}",
                    library::names()
                ));
            };
            if within.contains(&name) || within.len() == MAX_DEPTH {
                return Err(format!(
                    "`%{{{name}}}` leads to itself, or too deep: {}",
                    within.join(", ")
                ));
            }
            match part {
                Some("") => return Err(format!("`%{{{reference}}}` has a part without a name")),
                Some(part) => {
                    let group = format!("part{}", expanded.fields.len());
                    expanded.regex.push_str(&format!("(?P<{group}>"));
                    let data_type = type_word.map_or(Ok(TypeName::Utf8), type_named)?;
                    let name = part.to_owned();
                    expanded.fields.push(Field { group, name, data_type });
                }
                None => expanded.regex.push_str("(?:"),
            }
            within.push(name);
            self.expand_into(definition, expanded, within)?;
            within.pop();
            expanded.regex.push(')');
            if expanded.regex.len() > MAX_LENGTH {
                return Err(format!(
                    "is longer than {MAX_LENGTH} bytes once its names are replaced"
                ));
            }
            rest = after;
        }
        expanded.regex.push_str(rest);
        Ok(())
    }

    fn definition(&self, name: &str) -> Option<(&str, &str)> {
        match self.own.get_key_value(name) {
            Some((name, definition)) => Some((name, definition)),
            None => library::definition(name),
        }
    }
}

/// `int` and `float`, as other programs write it, or a type without options.
fn type_named(word: &str) -> Result<TypeName, String> {
    match word {
        "int" => return Ok(TypeName::Int64),
        "float" => return Ok(TypeName::Float64),
        "decimal" => {
            return Err("a decimal needs a precision: give the type in `fields`".to_owned());
        }
        _ => {}
    }
    let deserializer: StrDeserializer<ValueError> = word.into_deserializer();
    TypeName::deserialize(deserializer).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(own: &[(&str, &str)], pattern: &str) -> Result<Expanded, String> {
        let own = own.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Grok::new(&own.collect()).expand(pattern)
    }

    #[test]
    fn names_are_replaced() {
        let own = [("DIGIT", "[0-9]"), ("PAIR", "%{DIGIT:first:int}%{DIGIT}")];
        let expanded = expand(&own, "a%{PAIR:all}b").unwrap();
        assert_eq!(expanded.regex, "a(?P<part0>(?P<part1>[0-9])(?:[0-9]))b");
        let fields: Vec<_> =
            expanded.fields.iter().map(|field| (field.name.as_str(), field.data_type)).collect();
        assert_eq!(fields, [("all", TypeName::Utf8), ("first", TypeName::Int64)]);
    }

    #[test]
    fn mistakes_are_named() {
        let own = [("LOOP", "x%{LOOP}"), ("A", "%{B}"), ("B", "%{A}")];
        for (pattern, expected) in [
            ("%{NOTHING}", "names no pattern"),
            ("%{WORD", "no closing brace"),
            ("%{WORD:}", "without a name"),
            ("%{WORD:a:b:c}", "too many parts"),
            ("%{WORD:a:integer}", "unknown variant `integer`"),
            ("%{WORD:a:decimal}", "needs a precision"),
            ("%{LOOP}", "leads to itself"),
            ("%{A}", "leads to itself"),
        ] {
            let message = expand(&own, pattern).unwrap_err();
            assert!(message.contains(expected), "{pattern}: {message}");
        }
    }

    #[test]
    fn an_explosion_is_refused() {
        let doubled: Vec<(String, String)> = (1..16)
            .map(|level| (format!("L{level}"), format!("%{{L{0}}}%{{L{0}}}", level - 1)))
            .chain([("L0".to_owned(), "abcdefgh".to_owned())])
            .collect();
        let own = doubled.into_iter().collect();
        assert!(Grok::new(&own).expand("%{L15}").unwrap_err().contains("longer than"));
    }
}
