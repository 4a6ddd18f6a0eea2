//! What is looked for in a JSON value, and the columns that it becomes.
//!
//! All paths together are a tree. A value is read once from front to back along that tree; what no path leads to is passed over.
//! What is found are the texts of values ([`Found`]); [`Document::emit`] makes them values of columns.

use std::borrow::Cow;

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_values::cells::{CellColumn, cell_column, text_column};
use wasmill_plugin_values::config::{TypeConfig, TypeName, TypeOptions};
use wasmill_plugin_values::rejections::Rejections;
use wasmill_plugin_values::target::TargetKind;

use crate::config::{ColumnType, MismatchPolicy, UnknownPolicy};
use crate::json::{Flaw, Kind, Reader, unquoted};
use crate::path::Segment;

/// A column, as it was asked for.
pub struct Wanted {
    pub name: String,
    pub path: Vec<Segment>,
    pub data_type: Option<ColumnType>,
    pub required: bool,
    /// Where in the configuration.
    pub pointer: String,
}

/// The paths into a value, and their columns.
pub struct Document {
    root: Branch,
    columns: Vec<JsonColumn>,
    /// The place among what is found of a value that is no column.
    captured: Option<usize>,
    unknown: UnknownPolicy,
    rest: Option<Box<dyn CellColumn>>,
    on_mismatch: MismatchPolicy,
}

/// What is looked for at one place of a value.
#[derive(Default)]
struct Branch {
    /// Where the value itself goes, among what is found.
    slots: Vec<usize>,
    keys: Vec<(String, Branch)>,
    indices: Vec<(usize, Branch)>,
}

/// What was found in one value.
#[derive(Default)]
pub struct Found<'t> {
    values: Vec<Option<&'t str>>,
    /// A value that is no object or list, where a path leads through it.
    barrier: Option<(&'static str, &'t str)>,
    /// The first key that no path names.
    unknown: Option<Cow<'t, str>>,
    /// What no path names, as the members of a JSON object.
    rest: String,
}

struct JsonColumn {
    name: String,
    form: Form,
    required: bool,
    values: Box<dyn CellColumn>,
    /// The texts of values that are not of the type.
    texts: Option<Box<dyn CellColumn>>,
}

/// Which JSON values a column takes.
enum Form {
    Json,
    Text,
    Parsed { rule: String, expected: String, is_boolean: bool },
}

impl Document {
    /// # Errors
    ///
    /// [`Error::BadConfig`] where the type of a column cannot work.
    pub fn new(
        wanted: &[Wanted],
        unknown: UnknownPolicy,
        rest: Option<&str>,
        on_mismatch: MismatchPolicy,
        plan: &mut Plan,
    ) -> Result<Self> {
        let mut root = Branch::default();
        let mut columns = Vec::new();
        for (slot, wanted) in wanted.iter().enumerate() {
            root.add(&wanted.path, slot);
            columns.push(JsonColumn::new(wanted, on_mismatch, plan)?);
        }
        let rest = rest.map(|name| text_column(name, plan));
        Ok(Self { root, columns, captured: None, unknown, rest, on_mismatch })
    }

    /// Looks for the value at `path` too, which is no column: see [`Found::captured`].
    pub fn capture(&mut self, path: &[Segment]) {
        let slot = self.columns.len();
        self.root.add(path, slot);
        self.captured = Some(slot);
    }

    /// Finds what there is in the next value.
    pub fn read<'t>(
        &self,
        reader: &mut Reader<'t>,
        found: &mut Found<'t>,
    ) -> std::result::Result<(), Flaw> {
        found.values.clear();
        found.values.resize(self.columns.len() + 1, None);
        found.barrier = None;
        found.unknown = None;
        found.rest.clear();
        self.root.read(reader, found, self.unknown)
    }

    /// Adds a value to each column, whether or not the row is rejected for some of them.
    pub fn emit(&mut self, found: &Found, row: usize, source: &str, rejections: &mut Rejections) {
        if let (Some((rule, text)), MismatchPolicy::Reject) = (found.barrier, self.on_mismatch) {
            let expected = if rule == "bad-object" { "object" } else { "list" };
            rejections.bad_value(row, source, rule, expected, text);
        }
        if let (Some(key), UnknownPolicy::Reject) = (&found.unknown, self.unknown) {
            rejections.reject_value(row, source, "unknown-key", key, |key| {
                format!("no path names the key {key}")
            });
        }
        for (column, value) in self.columns.iter_mut().zip(&found.values) {
            column.emit(*value, row, self.on_mismatch, rejections);
        }
        if let Some(rest) = &mut self.rest {
            // Text is always a value of a column of text.
            if found.rest.is_empty() || !rest.push(&format!("{{{}}}", found.rest)) {
                rest.push_null();
            }
        }
    }

    /// Adds a null to each column.
    pub fn emit_nothing(&mut self) {
        self.all_columns().for_each(|column| column.push_null());
    }

    pub fn finish(&mut self, rows: &mut Rows) {
        self.all_columns().for_each(|column| column.finish(rows));
    }

    pub fn clear(&mut self) {
        self.all_columns().for_each(|column| column.clear());
    }

    fn all_columns(&mut self) -> impl Iterator<Item = &mut Box<dyn CellColumn>> {
        let columns = self.columns.iter_mut();
        columns
            .flat_map(|column| std::iter::once(&mut column.values).chain(&mut column.texts))
            .chain(&mut self.rest)
    }
}

impl<'t> Found<'t> {
    /// The value that was [captured](Document::capture), unless it is null.
    pub fn captured(&self) -> Option<&'t str> {
        self.values.last().copied().flatten().filter(|value| *value != "null")
    }
}

impl Branch {
    fn add(&mut self, path: &[Segment], slot: usize) {
        let Some((first, rest)) = path.split_first() else {
            self.slots.push(slot);
            return;
        };
        let below = match first {
            Segment::Key(key) => place(&mut self.keys, key.clone()),
            Segment::Index(index) => place(&mut self.indices, *index),
        };
        below.add(rest, slot);
    }

    fn is_leaf(&self) -> bool {
        self.keys.is_empty() && self.indices.is_empty()
    }

    fn read<'t>(
        &self,
        reader: &mut Reader<'t>,
        found: &mut Found<'t>,
        unknown: UnknownPolicy,
    ) -> std::result::Result<(), Flaw> {
        if self.slots.is_empty() && !self.is_leaf() {
            return self.descend(reader, found, unknown);
        }
        let mut again = reader.clone();
        let text = reader.value()?;
        for &slot in &self.slots {
            found.values[slot] = Some(text);
        }
        if self.is_leaf() { Ok(()) } else { self.descend(&mut again, found, unknown) }
    }

    fn descend<'t>(
        &self,
        reader: &mut Reader<'t>,
        found: &mut Found<'t>,
        unknown: UnknownPolicy,
    ) -> std::result::Result<(), Flaw> {
        match reader.kind()? {
            Kind::Object if !self.keys.is_empty() => {
                reader.members(|reader, quoted, has_escapes| {
                    let key = if has_escapes {
                        unquoted(quoted)
                    } else {
                        Cow::Borrowed(&quoted[1..quoted.len() - 1])
                    };
                    if let Some((_, below)) = self.keys.iter().find(|(other, _)| *other == key) {
                        if unknown != UnknownPolicy::Keep {
                            return below.read(reader, found, unknown);
                        }
                        return below.read_within(quoted, reader, found);
                    }
                    let value = reader.value()?;
                    match unknown {
                        UnknownPolicy::Ignore => {}
                        UnknownPolicy::Reject => {
                            found.unknown.get_or_insert(key);
                        }
                        UnknownPolicy::Keep => found.keep(quoted, value),
                    }
                    Ok(())
                })
            }
            Kind::Array if !self.indices.is_empty() => reader.elements(|reader, position| {
                match self.indices.iter().find(|(index, _)| *index == position) {
                    // Nothing of a list is kept beside what is asked for.
                    Some((_, below)) => below.read(reader, found, unknown),
                    None => reader.value().map(|_| ()),
                }
            }),
            kind => {
                let text = reader.value()?;
                if kind != Kind::Null {
                    let rule = if self.keys.is_empty() { "bad-list" } else { "bad-object" };
                    found.barrier.get_or_insert((rule, text));
                }
                Ok(())
            }
        }
    }

    /// Reads the value of a key, and keeps what no path names in it as an object of its own.
    fn read_within<'t>(
        &self,
        quoted: &str,
        reader: &mut Reader<'t>,
        found: &mut Found<'t>,
    ) -> std::result::Result<(), Flaw> {
        let outer = std::mem::take(&mut found.rest);
        self.read(reader, found, UnknownPolicy::Keep)?;
        let inner = std::mem::replace(&mut found.rest, outer);
        if !inner.is_empty() {
            found.keep(quoted, &format!("{{{inner}}}"));
        }
        Ok(())
    }
}

impl Found<'_> {
    fn keep(&mut self, quoted: &str, value: &str) {
        if !self.rest.is_empty() {
            self.rest.push(',');
        }
        self.rest.push_str(quoted);
        self.rest.push(':');
        self.rest.push_str(value);
    }
}

/// The branch of a key or position, made where there is none.
fn place<K: PartialEq>(branches: &mut Vec<(K, Branch)>, key: K) -> &mut Branch {
    let known = branches.iter().position(|(other, _)| *other == key);
    let place = known.unwrap_or_else(|| {
        branches.push((key, Branch::default()));
        branches.len() - 1
    });
    &mut branches[place].1
}

impl JsonColumn {
    fn new(wanted: &Wanted, on_mismatch: MismatchPolicy, plan: &mut Plan) -> Result<Self> {
        let plain = TypeConfig(TypeOptions::plain(TypeName::Utf8));
        let data_type = match &wanted.data_type {
            Some(ColumnType::Json) => None,
            Some(ColumnType::Typed(data_type)) => Some(data_type),
            None => Some(&plain),
        };
        let (form, values) = match data_type {
            None => (Form::Json, text_column(&wanted.name, plan)),
            Some(data_type) => {
                let target = data_type.check(&format!("{}/type", wanted.pointer))?;
                let values = cell_column(&wanted.name, &target, plan);
                let form = match target.kind {
                    TargetKind::Utf8 => Form::Text,
                    kind => Form::Parsed {
                        is_boolean: matches!(kind, TargetKind::Boolean),
                        rule: target.rule,
                        expected: target.expected,
                    },
                };
                (form, values)
            }
        };
        let has_texts = on_mismatch == MismatchPolicy::Text && matches!(form, Form::Parsed { .. });
        let texts = has_texts.then(|| text_column(&texts_name(&wanted.name), plan));
        Ok(Self { name: wanted.name.clone(), form, required: wanted.required, values, texts })
    }

    fn emit(
        &mut self,
        value: Option<&str>,
        row: usize,
        on_mismatch: MismatchPolicy,
        rejections: &mut Rejections,
    ) {
        let value = value.filter(|value| *value != "null");
        let Some(text) = value else {
            self.values.push_null();
            self.texts.iter_mut().for_each(|texts| texts.push_null());
            if self.required {
                rejections.missing(row, &self.name);
            }
            return;
        };
        if self.push(text) {
            self.texts.iter_mut().for_each(|texts| texts.push_null());
            return;
        }
        match on_mismatch {
            MismatchPolicy::Text if matches!(self.form, Form::Text) && self.values.push(text) => {
                return;
            }
            MismatchPolicy::Text => {
                if let Some(texts) = &mut self.texts
                    && !texts.push(text)
                {
                    texts.push_null();
                }
            }
            MismatchPolicy::Null => {}
            MismatchPolicy::Reject => self.reject(text, row, rejections),
        }
        self.values.push_null();
    }

    /// False where the value is none of the column.
    fn push(&mut self, text: &str) -> bool {
        match (&self.form, Kind::of(text)) {
            (Form::Json, _) => self.values.push(text),
            (_, Kind::String) => self.values.push(&unquoted(text)),
            (Form::Parsed { is_boolean, .. }, Kind::Number) => {
                !is_boolean && self.values.push(text)
            }
            (Form::Parsed { is_boolean, .. }, Kind::Boolean) => {
                *is_boolean && self.values.push(text)
            }
            _ => false,
        }
    }

    fn reject(&self, text: &str, row: usize, rejections: &mut Rejections) {
        match &self.form {
            Form::Parsed { rule, expected, .. } if Kind::of(text) == Kind::String => {
                rejections.bad_value(row, &self.name, rule, expected, &unquoted(text));
            }
            Form::Parsed { rule, expected, .. } => {
                rejections.bad_value(row, &self.name, rule, expected, text);
            }
            Form::Text | Form::Json => {
                let kind = Kind::of(text).name();
                rejections.reject_value(row, &self.name, "bad-utf8", text, |value| {
                    format!("{value} is {kind}, no string")
                });
            }
        }
    }
}

/// The name of the column of the texts of values that are not of the type of the column `name`.
pub fn texts_name(name: &str) -> String {
    format!("{name}_text")
}
