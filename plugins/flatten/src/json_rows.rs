//! A column of JSON text.

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_values::config::Short;
use wasmill_plugin_values::rejections::Rejections;

use crate::config::{
    BadJsonPolicy, ColumnConfig, ColumnType, ExplodeConfig, FlattenConfig, MismatchPolicy,
    UnknownPolicy,
};
use crate::document::{Document, Found, Wanted, texts_name};
use crate::json::{Flaw, Kind, Reader};
use crate::names::Names;
use crate::path::{self, Segment};

const DEFAULT_DEPTH: usize = 32;
pub const DEFAULT_MAX_ELEMENTS: usize = 10_000;

/// Makes columns, and rows, of JSON text.
pub struct JsonRows {
    column: String,
    input: Input<str>,
    depth: usize,
    on_bad_json: BadJsonPolicy,
    document: Document,
    explode: Option<Explode>,
}

struct Explode {
    element: Document,
    position: Option<Output<i32>>,
    outer: bool,
    max_elements: usize,
}

impl JsonRows {
    /// # Errors
    ///
    /// [`Error::BadConfig`] where the configuration cannot work.
    pub fn new(config: &FlattenConfig, mut names: Names, plan: &mut Plan) -> Result<Self> {
        let input = plan.read(&config.column)?;
        let columns = config.columns.as_deref().unwrap_or_default();
        if columns.is_empty() && config.explode.is_none() {
            let message = "is missing; JSON text does not say in advance what it holds: name the paths that become columns";
            return Err(Error::bad_config("/columns", message));
        }
        let unknown = config.unknown.unwrap_or_default();
        let on_mismatch = config.on_mismatch.unwrap_or_default();
        let rest = match (unknown, &config.unknown_column) {
            (UnknownPolicy::Keep, name) => Some(name.clone().unwrap_or_else(|| "rest".to_owned())),
            (_, Some(_)) => {
                let message = "is an option of unknown = \"keep\" only; remove it, or keep them";
                return Err(Error::bad_config("/unknown_column", message));
            }
            (_, None) => None,
        };
        let naming = Naming { config, on_mismatch };
        let prefix = config.prefix.as_deref().unwrap_or_default();
        let wanted = naming.wanted(columns, "/columns", prefix, &config.column, &mut names)?;
        if let Some(rest) = &rest {
            names.add(rest, "/unknown_column")?;
        }
        let mut document = Document::new(&wanted, unknown, rest.as_deref(), on_mismatch, plan)?;
        let explode = match &config.explode {
            Some(explode) => {
                let (path, name) = explode.path(&config.column)?;
                document.capture(&path);
                Some(naming.explode(explode, &name, rest.as_deref(), &mut names, plan)?)
            }
            None => None,
        };
        Ok(Self {
            column: config.column.clone(),
            input,
            depth: config.depth.unwrap_or(DEFAULT_DEPTH),
            on_bad_json: config.on_bad_json.unwrap_or_default(),
            document,
            explode,
        })
    }

    pub fn process(&mut self, batch: &Batch, out: &mut Rows) {
        let mut rejections = Rejections::new(out, batch.rows());
        if self.explode.is_none() {
            self.columns(batch, &mut rejections);
            self.document.finish(out);
            return;
        }
        let mut taken = self.rows(batch, &mut rejections);
        // Columns of rows that multiply hold nothing of rejected rows, and a row may be rejected for its last element.
        if (0..batch.rows()).any(|row| rejections.contains(row)) {
            self.clear();
            taken = self.rows(batch, &mut rejections);
        }
        self.document.finish(out);
        if let Some(explode) = &mut self.explode {
            explode.element.finish(out);
            if let Some(position) = explode.position {
                out.set(position, positions(&taken));
            }
        }
        out.take(taken.into_iter().map(|(row, _)| row).collect());
    }

    fn clear(&mut self) {
        self.document.clear();
        self.explode.iter_mut().for_each(|explode| explode.element.clear());
    }

    /// One row for each row.
    fn columns(&mut self, batch: &Batch, rejections: &mut Rejections) {
        let column = batch.column(self.input);
        let mut found = Found::default();
        for row in 0..column.len() {
            if self.read(column.get(row), row, &mut found, rejections) {
                self.document.emit(&found, row, &self.column, rejections);
            } else {
                self.document.emit_nothing();
            }
        }
    }

    /// One row for each element: the input row, and the position of the element.
    fn rows(&mut self, batch: &Batch, rejections: &mut Rejections) -> Vec<(u32, Option<i32>)> {
        let column = batch.column(self.input);
        let (mut found, mut found_in_element) = (Found::default(), Found::default());
        let mut taken = Vec::new();
        for row in 0..column.len() {
            if rejections.contains(row) {
                continue;
            }
            let index = u32::try_from(row).expect("a batch has less than 2^32 rows");
            let has_document = self.read(column.get(row), row, &mut found, rejections);
            if rejections.contains(row) {
                continue;
            }
            let Some(explode) = &mut self.explode else { continue };
            let mut emit_document = |rejections: &mut Rejections| {
                if has_document {
                    self.document.emit(&found, row, &self.column, rejections);
                } else {
                    self.document.emit_nothing();
                }
            };
            let list = has_document.then(|| found.captured()).flatten();
            let mut elements = 0;
            if let Some(list) = list {
                if Kind::of(list) != Kind::Array {
                    rejections.bad_value(row, &self.column, "bad-list", "list", list);
                    continue;
                }
                let mut reader = Reader::new(list, self.depth);
                let read = reader.elements(|reader, position| {
                    elements = position + 1;
                    if position >= explode.max_elements {
                        return reader.value().map(|_| ());
                    }
                    explode.element.read(reader, &mut found_in_element)?;
                    emit_document(rejections);
                    explode.element.emit(&found_in_element, row, &self.column, rejections);
                    taken.push((index, i32::try_from(position).ok()));
                    Ok(())
                });
                if let Err(flaw) = read {
                    reject(flaw, row, &self.column, list, self.depth, rejections);
                }
            }
            if elements > explode.max_elements {
                let message = format!("{elements} elements, more than {}", explode.max_elements);
                rejections.reject(row, &self.column, "too-many-elements", &message);
            }
            if elements == 0 && explode.outer {
                emit_document(rejections);
                explode.element.emit_nothing();
                taken.push((index, None));
            }
        }
        taken
    }

    /// Finds what there is in one text. False where it is null, or no JSON.
    fn read<'t>(
        &self,
        text: Option<&'t str>,
        row: usize,
        found: &mut Found<'t>,
        rejections: &mut Rejections,
    ) -> bool {
        let Some(text) = text else { return false };
        let mut reader = Reader::new(text, self.depth);
        let read = self.document.read(&mut reader, found).and_then(|()| reader.end());
        match read {
            Ok(()) => true,
            Err(Flaw::Bad(_)) if self.on_bad_json == BadJsonPolicy::Null => false,
            Err(flaw) => {
                reject(flaw, row, &self.column, text, self.depth, rejections);
                false
            }
        }
    }
}

/// The positions of elements; none where a row has no element.
pub fn positions(taken: &[(u32, Option<i32>)]) -> NewColumn<i32> {
    taken.iter().map(|(_, position)| *position).collect()
}

fn reject(
    flaw: Flaw,
    row: usize,
    column: &str,
    text: &str,
    depth: usize,
    rejections: &mut Rejections,
) {
    match flaw {
        Flaw::Bad(at) => rejections.reject_value(row, column, "bad-json", text, |value| {
            format!("{value} is no JSON, from byte {at} on")
        }),
        Flaw::TooDeep => {
            let message = format!("nested deeper than {depth} levels");
            rejections.reject(row, column, "too-deep", &message);
        }
    }
}

impl ExplodeConfig {
    /// The path of the list, and the name of a column for its elements.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`] where the path cannot work.
    pub fn path(&self, column: &str) -> Result<(Vec<Segment>, String)> {
        let path = path::parse(self.path.as_deref().unwrap_or_default())
            .map_err(|message| Error::bad_config("/explode/path", message))?;
        let key = path.iter().rev().find_map(|segment| match segment {
            Segment::Key(key) => Some(key.clone()),
            Segment::Index(_) => None,
        });
        let name = key.unwrap_or_else(|| column.to_owned());
        Ok((path, name))
    }
}

/// Gives columns their names.
struct Naming<'a> {
    config: &'a FlattenConfig,
    on_mismatch: MismatchPolicy,
}

impl Naming<'_> {
    /// `value_name` is for the value itself, which has an empty path.
    fn wanted(
        &self,
        columns: &[Short<ColumnConfig>],
        pointer: &str,
        prefix: &str,
        value_name: &str,
        names: &mut Names,
    ) -> Result<Vec<Wanted>> {
        let separator = self.config.separator.as_deref().unwrap_or("_");
        let mut wanted = Vec::new();
        for (index, Short(column)) in columns.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            let path = path::parse(&column.path)
                .map_err(|message| Error::bad_config(format!("{pointer}/path"), message))?;
            let name = match &column.name {
                Some(name) => name.clone(),
                None if path.is_empty() => format!("{prefix}{value_name}"),
                None => path::name(prefix, separator, &path),
            };
            names.add(&name, &pointer)?;
            let is_typed = match &column.data_type {
                Some(ColumnType::Typed(data_type)) => !matches!(
                    data_type.check(&format!("{pointer}/type"))?.kind,
                    wasmill_plugin_values::target::TargetKind::Utf8
                ),
                _ => false,
            };
            if is_typed && self.on_mismatch == MismatchPolicy::Text {
                names.add(&texts_name(&name), &pointer)?;
            }
            let data_type = column.data_type.clone();
            let required = column.required.unwrap_or(false);
            wanted.push(Wanted { name, path, data_type, required, pointer });
        }
        Ok(wanted)
    }

    fn explode(
        &self,
        explode: &ExplodeConfig,
        name: &str,
        rest: Option<&str>,
        names: &mut Names,
        plan: &mut Plan,
    ) -> Result<Explode> {
        let prefix = explode.prefix.as_deref().unwrap_or_default();
        let whole = [Short(ColumnConfig {
            path: String::new(),
            name: None,
            data_type: Some(ColumnType::Json),
            required: None,
        })];
        let columns = explode.columns.as_deref().unwrap_or(&whole);
        let position = match &explode.position {
            Some(name) => {
                names.add(name, "/explode/position")?;
                Some(plan.write(name))
            }
            None => None,
        };
        let wanted = self.wanted(columns, "/explode/columns", prefix, name, names)?;
        // What is taken whole has nothing that is not named.
        let has_paths = wanted.iter().any(|column| !column.path.is_empty());
        let unknown = self.config.unknown.filter(|_| has_paths).unwrap_or_default();
        let rest = rest.filter(|_| has_paths).map(|rest| format!("element_{rest}"));
        if let Some(rest) = &rest {
            names.add(rest, "/unknown_column")?;
        }
        let element = Document::new(&wanted, unknown, rest.as_deref(), self.on_mismatch, plan)?;
        let max_elements = explode.max_elements.unwrap_or(DEFAULT_MAX_ELEMENTS);
        Ok(Explode { element, position, outer: explode.outer, max_elements })
    }
}
