//! A TOML file as a JSON value, with the place of everything in it.
//!
//! Everything that is later found wrong is named by a JSON pointer (`/sinks/warehouse/mode`); the document
//! turns the pointer into a place in the file.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use crate::file::diagnostic::{Diagnostic, Place};

/// A parsed file.
#[derive(Debug, Clone)]
pub struct Document {
    path: PathBuf,
    text: String,
    root: Map<String, Value>,
    spans: HashMap<String, Spans>,
    /// The pointer of the entry that a program added.
    added: Option<String>,
}

#[derive(Debug, Clone)]
struct Spans {
    key: Option<Range<usize>>,
    value: Range<usize>,
}

impl Document {
    /// Parses a file as far as it is TOML, and says where it is not.
    pub fn parse(path: &Path, text: &str) -> (Self, Vec<Diagnostic>) {
        let mut document = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            root: Map::new(),
            spans: HashMap::new(),
            added: None,
        };
        let (table, errors) = DeTable::parse_recoverable(text);
        let root = document.table("", table.get_ref());
        document.root = root;
        let diagnostics = errors
            .iter()
            .map(|error| {
                let span = error.span().unwrap_or(0..0);
                Diagnostic::error(error.message().to_owned()).at(document.place(span))
            })
            .collect();
        (document, diagnostics)
    }

    /// Sections that were not parsed: nothing in them has a place.
    pub fn made(root: Map<String, Value>) -> Self {
        Self { path: PathBuf::new(), text: String::new(), root, spans: HashMap::new(), added: None }
    }

    /// Adds an entry to a table that is there. Its places are in no file: the path of each is empty.
    pub fn add(&mut self, table: &str, name: &str, entry: Map<String, Value>) {
        if let Some(Value::Object(entries)) = self.root.get_mut(table) {
            entries.insert(name.to_owned(), Value::Object(entry));
            self.added = Some(child(&child("", table), name));
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn root(&self) -> &Map<String, Value> {
        &self.root
    }

    /// The place of a value, or of the nearest that contains it.
    pub fn value_place(&self, pointer: &str) -> Place {
        if self.is_added(pointer) {
            return Place { file: PathBuf::new(), line: 1, column: 1, span: 0..0 };
        }
        self.place(self.nearest(pointer).map_or(0..0, |spans| spans.value.clone()))
    }

    /// The place of a key, or of the nearest value that contains it.
    pub fn key_place(&self, pointer: &str) -> Place {
        if self.is_added(pointer) {
            return self.value_place(pointer);
        }
        let spans = self.nearest(pointer);
        self.place(spans.map_or(0..0, |spans| spans.key.clone().unwrap_or(spans.value.clone())))
    }

    fn is_added(&self, pointer: &str) -> bool {
        let below = self.added.as_ref().and_then(|added| pointer.strip_prefix(added.as_str()));
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    fn nearest(&self, pointer: &str) -> Option<&Spans> {
        let mut pointer = pointer;
        loop {
            match self.spans.get(pointer) {
                Some(spans) => return Some(spans),
                None => pointer = &pointer[..pointer.rfind('/')?],
            }
        }
    }

    fn place(&self, span: Range<usize>) -> Place {
        let start = self.text.floor_char_boundary(span.start.min(self.text.len()));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |line_break| line_break + 1);
        Place {
            file: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span,
        }
    }

    fn table(&mut self, pointer: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let mut object = Map::new();
        for (key, value) in table {
            let pointer = child(pointer, key.get_ref());
            let spans = Spans { key: Some(key.span()), value: value.span() };
            self.spans.insert(pointer.clone(), spans);
            let value = self.value(&pointer, value.get_ref());
            object.insert(key.get_ref().to_string(), value);
        }
        object
    }

    fn value(&mut self, pointer: &str, value: &DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .map_or(Value::Null, Value::from),
            DeValue::Float(float) => float.as_str().parse::<f64>().map_or(Value::Null, Value::from),
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Datetime(datetime) => Value::String(datetime.to_string()),
            DeValue::Array(items) => {
                let mut array = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let pointer = format!("{pointer}/{index}");
                    self.spans.insert(pointer.clone(), Spans { key: None, value: item.span() });
                    array.push(self.value(&pointer, item.get_ref()));
                }
                Value::Array(array)
            }
            DeValue::Table(table) => Value::Object(self.table(pointer, table)),
        }
    }
}

/// The pointer of a key below `pointer` (RFC 6901).
pub fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_place() {
        let text = "[sinks.a]\npath = \"x\"\nlist = [1,\n  { \"ü\" = 2 }]\n";
        let (document, diagnostics) = Document::parse(Path::new("p.toml"), text);
        assert!(diagnostics.is_empty());
        let at = |place: Place| (place.line, place.column);
        assert_eq!(at(document.key_place("/sinks/a/path")), (2, 1));
        assert_eq!(at(document.value_place("/sinks/a/path")), (2, 8));
        assert_eq!(at(document.value_place("/sinks/a/list/1/ü")), (4, 11));
        // What is not there is at what would hold it.
        assert_eq!(at(document.key_place("/sinks/a/list/7/b")), (3, 1));
        assert_eq!(document.root()["sinks"]["a"]["list"][1]["ü"], 2);
    }

    #[test]
    fn what_was_added_is_in_no_file() {
        let text = "[sinks.a]\npath = \"x\"\n[sinks.a-new-er]\n";
        let (mut document, _) = Document::parse(Path::new("p.toml"), text);
        document.add("sinks", "a-new", Map::new());
        assert!(document.root()["sinks"]["a-new"].is_object());
        for pointer in ["/sinks/a-new", "/sinks/a-new/path"] {
            assert_eq!(document.key_place(pointer).file, PathBuf::new(), "{pointer}");
            assert_eq!(document.value_place(pointer).file, PathBuf::new(), "{pointer}");
        }
        for pointer in ["/sinks", "/sinks/a", "/sinks/a-new-er"] {
            assert_eq!(document.key_place(pointer).file, Path::new("p.toml"), "{pointer}");
        }
    }

    #[test]
    fn all_syntax_errors_are_found() {
        let (document, diagnostics) = Document::parse(Path::new("p.toml"), "a = \nb = 1\nc = [\n");
        assert!(diagnostics.len() >= 2, "{diagnostics:?}");
        assert_eq!(document.root().get("b"), Some(&Value::from(1)));
    }
}
