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

    /// Adds a secret, as it is and as it stands in JSON.
    fn add(&mut self, secret: &str) {
        if secret.len() < Self::MIN_BYTES {
            return;
        }
        let json = Value::from(secret).to_string();
        let escaped = &json[1..json.len() - 1];
        if escaped != secret {
            self.secrets.push(escaped.to_owned());
        }
        self.secrets.push(secret.to_owned());
    }

    pub fn extend(&mut self, other: Self) {
        self.secrets.extend(other.secrets);
    }

    /// Bytes without any secret, as far as it is written in them as it is.
    pub(crate) fn apply_bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        match String::from_utf8(bytes) {
            Ok(text) => self.apply(&text).into_bytes(),
            Err(error) => self.secrets.iter().fold(error.into_bytes(), |bytes, secret| {
                without(&bytes, secret.as_bytes(), b"[secret]")
            }),
        }
    }

    /// The text without any secret.
    pub fn apply(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
    }
}

/// The bytes with `replacement` wherever `part` was, which is not empty.
fn without(bytes: &[u8], part: &[u8], replacement: &[u8]) -> Vec<u8> {
    let mut rest = bytes;
    let mut kept = Vec::with_capacity(bytes.len());
    while let Some(&first) = rest.first() {
        match rest.strip_prefix(part) {
            Some(after) => {
                kept.extend_from_slice(replacement);
                rest = after;
            }
            None => {
                kept.push(first);
                rest = &rest[1..];
            }
        }
    }
    kept
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
                    resolved.secrets.add(&text);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_of_text_and_bytes() {
        let mut secrets = Redaction::default();
        for secret in ["hunter2", "a\"b\"c", "abc"] {
            secrets.add(secret);
        }
        assert_eq!(
            secrets.apply("hunter2, a\"b\"c, a\\\"b\\\"c, abc"),
            "[secret], [secret], [secret], abc"
        );
        let bytes = [b"\xff", &b"hunter2hunterhunter2"[..], b"\xfe"].concat();
        let expected = [b"\xff", &b"[secret]hunter[secret]"[..], b"\xfe"].concat();
        assert_eq!(secrets.apply_bytes(bytes), expected);
    }
}
