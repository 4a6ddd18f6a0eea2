//! Values that come from outside of the file: `{ env = "NAME" }`, `{ env = "NAME", default = "VALUE" }` and
//! `{ file = "PATH" }`.

use std::path::Path;

use serde_json::{Map, Value};

use crate::file::document::child;

/// A secret that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingSecret {
    /// Where in the value.
    pub pointer: String,
    pub message: String,
}

/// What became of the references in a value.
#[derive(Debug, Default)]
pub struct Resolved {
    pub missing: Vec<MissingSecret>,
    pub secrets: Redaction,
}

/// Texts that nobody is to see.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    secrets: Vec<String>,
}

impl Redaction {
    /// Shorter texts stand in too many places to be taken out.
    const MIN_BYTES: usize = 4;

    pub fn extend(&mut self, other: Self) {
        self.secrets.extend(other.secrets);
    }

    /// The text without any secret.
    pub fn apply(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
    }
}

/// Replaces every reference in `value` by what it refers to. Paths are taken from `base`.
pub fn resolve(value: &mut Value, base: &Path) -> Resolved {
    let mut resolved = Resolved::default();
    resolve_at("", value, base, &mut resolved);
    resolved
}

fn resolve_at(pointer: &str, value: &mut Value, base: &Path, resolved: &mut Resolved) {
    match value {
        Value::Object(object) => match reference(object) {
            Some(reference) => match reference.resolve(base) {
                Ok(text) => {
                    if text.len() >= Redaction::MIN_BYTES {
                        resolved.secrets.secrets.push(text.clone());
                    }
                    *value = Value::String(text);
                }
                Err(message) => {
                    let pointer = pointer.to_owned();
                    resolved.missing.push(MissingSecret { pointer, message });
                }
            },
            None => {
                for (key, value) in object {
                    resolve_at(&child(pointer, key), value, base, resolved);
                }
            }
        },
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                resolve_at(&format!("{pointer}/{index}"), item, base, resolved);
            }
        }
        _ => {}
    }
}

enum Reference<'a> {
    Env { name: &'a str, default: Option<&'a str> },
    File(&'a str),
}

fn reference(object: &Map<String, Value>) -> Option<Reference<'_>> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    match object.len() {
        1 => text("env")
            .map(|name| Reference::Env { name, default: None })
            .or_else(|| text("file").map(Reference::File)),
        2 => Some(Reference::Env { name: text("env")?, default: Some(text("default")?) }),
        _ => None,
    }
}

impl Reference<'_> {
    fn resolve(&self, base: &Path) -> Result<String, String> {
        match self {
            Self::Env { name, default } => std::env::var(name)
                .or_else(|error| default.map(str::to_owned).ok_or(error))
                .map_err(|_| format!("the environment variable `{name}` is not set")),
            Self::File(path) => {
                let path = base.join(path);
                // Editors end files with a line break that is no part of the secret.
                std::fs::read_to_string(&path)
                    .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))
            }
        }
    }
}
