//! Adds columns from a reference table: what the plugins `lookup` and `lookup-http` share, which differ in where the table is.
//!
//! [`raw::RawTable`] is the table as text. When it is loaded, an [`index::Index`] of its keys is made, and its columns are parsed
//! ([`added`]). For each batch, the row of the table is found for each input row, and the columns are gathered. A table that is part of
//! the configuration is loaded when the plugin is bound, so that its mistakes are known before a row is read; any other before the
//! first batch.

mod added;
pub mod config;
mod index;
mod keys;
mod ordered;
pub mod raw;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_values::config::{TypeConfig, TypeName, TypeOptions};

use crate::added::{AddedColumn, added_column};
use crate::config::{DuplicatePolicy, LookupConfig, MissPolicy};
use crate::index::{Index, Key};
use crate::keys::KeyInput;
use crate::ordered::{Ordered, order_of};
use crate::raw::RawTable;

const DEFAULT_MAX_BYTES: u32 = 64 << 20;

/// Where a table comes from: a part of the configuration.
pub trait TableSource: DeserializeOwned + JsonSchema {
    /// Whether the table is part of the configuration.
    const IS_PURE: bool;

    /// Says what cannot work before the table is loaded.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn load(&self, max_bytes: usize) -> Result<RawTable>;
}

/// A transformer that adds columns from a table.
pub struct Lookup<S> {
    source: S,
    max_bytes: usize,
    equal: Vec<(KeyInput, String)>,
    search: Search,
    /// The column that rows without a match are rejected for.
    key_column: String,
    ignore_case: bool,
    added: Vec<Added>,
    found: Option<Output<bool>>,
    on_miss: MissPolicy,
    on_duplicate: DuplicatePolicy,
    index: Index,
}

/// By what a row of the table is found, beside equality.
enum Search {
    Equal,
    Prefix { input: Input<str>, table: String },
    Range { input: AnyInput, ordered: Ordered, from: String, to: String, inclusive: bool },
}

struct Added {
    from: String,
    expected: String,
    values: Box<dyn AddedColumn>,
}

impl<S: TableSource> Transformer for Lookup<S> {
    type Config = LookupConfig<S>;

    fn bind(config: LookupConfig<S>, plan: &mut Plan) -> Result<Self> {
        config.table.check()?;
        let mut equal = Vec::new();
        for (column, table) in &config.equal {
            equal.push((KeyInput::new(column, plan)?, table.clone()));
        }
        let (search, column) = match (&config.prefix, &config.range) {
            (Some(_), Some(_)) => {
                let message = "and `prefix` cannot be together; use two steps";
                return Err(Error::bad_config("/range", message));
            }
            (Some(prefix), None) => {
                let input = plan.read(&prefix.column)?;
                (Search::Prefix { input, table: prefix.table.clone() }, Some(&prefix.column))
            }
            (None, Some(range)) => {
                let input = plan.read_any(&range.column)?;
                let ordered = Ordered::new(&range.column, input.data_type())?;
                let (from, to) = (range.from.clone(), range.to.clone());
                let inclusive = range.inclusive;
                (Search::Range { input, ordered, from, to, inclusive }, Some(&range.column))
            }
            (None, None) => (Search::Equal, None),
        };
        let Some(key_column) = config.equal.keys().next().or(column) else {
            let message =
                "nothing says how to find a row of the table: give `match`, `prefix` or `range`";
            return Err(Error::bad_config("", message));
        };
        let mut names: Vec<String> =
            plan.schema().columns().iter().map(|column| column.name().to_owned()).collect();
        let mut added = Vec::new();
        if config.add.is_empty() {
            return Err(Error::bad_config(
                "/add",
                "is empty; name the columns of the table to add",
            ));
        }
        for (index, add) in config.add.iter().enumerate() {
            let pointer = format!("/add/{index}");
            let add = &add.0;
            let name = add.name.as_ref().unwrap_or(&add.from);
            claim(&mut names, name, &pointer)?;
            let plain = TypeConfig(TypeOptions::plain(TypeName::Utf8));
            let data_type = add.data_type.as_ref().unwrap_or(&plain);
            let target = data_type.check(&format!("{pointer}/type"))?;
            let default = match &add.default {
                Some(_) if config.on_miss != MissPolicy::Default => {
                    let message = "is for on_miss = \"default\" only; remove it, or say so";
                    return Err(Error::bad_config(format!("{pointer}/default"), message));
                }
                default => default.as_ref().map(ToString::to_string),
            };
            let Some(values) = added_column(name, &target, default.as_deref(), plan) else {
                let message =
                    format!("is {:?}, no {}", default.unwrap_or_default(), target.expected);
                return Err(Error::bad_config(format!("{pointer}/default"), message));
            };
            added.push(Added { from: add.from.clone(), expected: target.expected, values });
        }
        let found = match &config.found {
            Some(name) => {
                claim(&mut names, name, "/found")?;
                Some(plan.write(name))
            }
            None => None,
        };
        let mut lookup = Self {
            max_bytes: config.max_bytes.unwrap_or(DEFAULT_MAX_BYTES) as usize,
            source: config.table,
            equal,
            search,
            key_column: key_column.clone(),
            ignore_case: config.ignore_case,
            added,
            found,
            on_miss: config.on_miss,
            on_duplicate: config.on_duplicate,
            index: Index::default(),
        };
        if S::IS_PURE {
            let table = lookup.source.load(lookup.max_bytes)?;
            lookup.fill(&table).map_err(|message| Error::bad_config("/table", message))?;
        }
        Ok(lookup)
    }

    fn open(&mut self) -> Result<()> {
        if S::IS_PURE {
            return Ok(());
        }
        let table = self.source.load(self.max_bytes)?;
        log::info!("the table has {} rows", table.rows());
        self.fill(&table).map_err(Error::fatal)
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let found = self.find(batch);
        for added in &self.added {
            added.values.gather(&found, out);
        }
        if let Some(output) = self.found {
            out.set(output, found.iter().map(|row| Some(row.is_some())).collect());
        }
        match self.on_miss {
            MissPolicy::Null | MissPolicy::Default => {}
            MissPolicy::Drop => out.filter(|row| found[row].is_some()),
            MissPolicy::Reject => {
                let (mut find_key, mut key) = (self.keys(batch), Key::new(self.ignore_case));
                for row in (0..found.len()).filter(|row| found[*row].is_none()) {
                    let message = if find_key(row, &mut key) && self.index.has_ranges(&key) {
                        "no range of the table holds the value"
                    } else {
                        "no row of the table fits"
                    };
                    out.reject_column(row, &self.key_column, "no-match", message);
                }
            }
        }
        Ok(())
    }
}

fn claim(names: &mut Vec<String>, name: &str, pointer: &str) -> Result<()> {
    if names.iter().any(|other| other == name) {
        let message = format!("makes a second column `{name}`; give it another `name`");
        return Err(Error::bad_config(pointer, message));
    }
    names.push(name.to_owned());
    Ok(())
}

impl<S> Lookup<S> {
    /// Makes the index and the columns of a table. An error is for people.
    fn fill(&mut self, table: &RawTable) -> std::result::Result<(), String> {
        let mut equal = Vec::new();
        for (_, name) in &self.equal {
            equal.push(table.column(name)?);
        }
        let ends = match &self.search {
            Search::Equal => Vec::new(),
            Search::Prefix { table: name, .. } => vec![table.column(name)?],
            Search::Range { from, to, .. } => vec![table.column(from)?, table.column(to)?],
        };
        let mut key = Key::new(self.ignore_case);
        for row in 0..table.rows() {
            let index = u32::try_from(row).map_err(|_| "the table has too many rows".to_owned())?;
            key.clear();
            let has_key = equal.iter().all(|column| match table.value(row, *column) {
                Some(text) => {
                    key.push(text);
                    true
                }
                // A null equals nothing.
                None => false,
            });
            if has_key {
                self.add(table, row, index, &ends, &mut key)?;
            }
        }
        self.index.sort_ranges().map_err(|(left, right)| {
            let values = |column: &usize| table.value(left as usize, *column);
            let key: Vec<&str> = equal.iter().filter_map(values).collect();
            let of = if key.is_empty() { String::new() } else { format!(" ({})", key.join(", ")) };
            format!("the ranges of rows {left} and {right} of the table{of} have values in common; divide them")
        })?;
        for added in &mut self.added {
            let column = table.column(&added.from)?;
            for row in 0..table.rows() {
                let text = table.value(row, column);
                if !added.values.push(text) {
                    return Err(format!(
                        "row {row} of the table has {:?} at `{}`, which is no {}",
                        text.unwrap_or_default(),
                        added.from,
                        added.expected
                    ));
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        table: &RawTable,
        row: usize,
        index: u32,
        ends: &[usize],
        key: &mut Key,
    ) -> std::result::Result<(), String> {
        let added = match &self.search {
            Search::Equal => self.index.add(key, index, self.on_duplicate),
            Search::Prefix { .. } => {
                let Some(prefix) = table.value(row, ends[0]) else { return Ok(()) };
                let length = key.push_prefix(prefix);
                self.index.add_prefix(key, length, index, self.on_duplicate)
            }
            Search::Range { ordered, from, to, inclusive, .. } => {
                let end = |name: &str, column: usize| match table.value(row, column) {
                    None => Ok(None),
                    Some(text) => ordered.parse(text).map(Some).ok_or_else(|| {
                        format!(
                            "row {row} of the table has {text:?} at `{name}`; give {}",
                            ordered.expected()
                        )
                    }),
                };
                let from = end(from, ends[0])?.unwrap_or(i128::MIN);
                let to = match end(to, ends[1])? {
                    Some(to) if *inclusive => to.saturating_add(1),
                    Some(to) => to,
                    None => i128::MAX,
                };
                if from >= to {
                    return Err(format!(
                        "row {row} of the table has an empty range; its end comes before its beginning"
                    ));
                }
                self.index.add_range(key, from, to, index);
                Ok(())
            }
        };
        added.map_err(|other| {
            format!(
                "rows {other} and {row} of the table have the same key; remove one, or say on_duplicate = \"first\" or \"last\""
            )
        })
    }

    /// Makes the keys of rows, from the columns that must be equal; false where one of them is null.
    fn keys<'b>(&'b self, batch: &'b Batch) -> impl FnMut(usize, &mut Key) -> bool + 'b {
        let equal: Vec<_> = self.equal.iter().map(|(input, _)| input.read(batch)).collect();
        let mut scratch = String::new();
        move |row, key| {
            key.clear();
            equal.iter().all(|column| match column.get(row, &mut scratch) {
                Some(text) => {
                    key.push(text);
                    true
                }
                None => false,
            })
        }
    }

    /// The row of the table for each row of the batch.
    fn find(&self, batch: &Batch) -> Vec<Option<u32>> {
        let (mut find_key, mut key) = (self.keys(batch), Key::new(self.ignore_case));
        let rows = 0..batch.rows();
        match &self.search {
            Search::Equal => rows
                .map(|row| find_key(row, &mut key).then(|| self.index.find(&key)).flatten())
                .collect(),
            Search::Prefix { input, .. } => {
                let column = batch.column(*input);
                let find = |row| {
                    let text = column.get(row).filter(|_| find_key(row, &mut key))?;
                    let length = key.push_prefix(text);
                    self.index.find_prefix(&key, length)
                };
                rows.map(find).collect()
            }
            Search::Range { input, .. } => {
                let column = batch.any_column(input);
                let find = |row| {
                    let value = order_of(column.value(row)).filter(|_| find_key(row, &mut key))?;
                    self.index.find_range(&key, value)
                };
                rows.map(find).collect()
            }
        }
    }
}
