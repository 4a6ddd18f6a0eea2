//! A batch as a plugin sees it: the columns that it reads.

use serde::de::DeserializeOwned;

use crate::any::AnyColumn;
use crate::bindings::types::{self as wit, Node, Payload};
use crate::column::Column;
use crate::error::{Error, Result};
use crate::schema::{AnyInput, Input, Layout, ValueInput};
use crate::types::Type;
use crate::value::ValueColumn;

/// Some rows of the columns that a plugin reads.
pub struct Batch<'a> {
    rows: usize,
    nodes: Vec<Node>,
    /// What dictionaries stand for, by the node of their keys.
    plain: Vec<(usize, Node)>,
    /// The rows, where they come as records.
    records: Option<String>,
    layout: &'a Layout,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(batch: wit::Batch, layout: &'a Layout) -> Result<Self> {
        let rows = batch.rows as usize;
        let (nodes, records) = match batch.values {
            Payload::Columns(nodes) => (nodes, None),
            Payload::Json(records) => (Vec::new(), Some(records)),
            Payload::Ipc(_) => {
                return Err(Error::fatal(
                    "the host sent another encoding than the one that was bound",
                ));
            }
        };
        let mut plain = Vec::new();
        if records.is_none() {
            for (keys, dictionary) in &layout.dictionaries {
                plain.push((*keys, dictionary.plain(&nodes[*keys], &nodes[keys + 1])?));
            }
        }
        Ok(Self { rows, nodes, plain, records, layout })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column that was asked for when the plugin was bound.
    pub fn column<T: Type + ?Sized>(&self, input: Input<T>) -> Column<'_, T> {
        Column::new(self.node(input.slot))
    }

    /// A column of any flat type that was asked for when the plugin was bound.
    pub fn any_column<'b>(&'b self, input: &'b AnyInput) -> AnyColumn<'b> {
        AnyColumn::new(&input.data_type, self.node(input.slot))
            .expect("binding refuses types that cannot be read")
    }

    /// A column of any type that was asked for when the plugin was bound.
    ///
    /// # Errors
    ///
    /// When the host sent something else than it announced.
    pub fn values<'b>(&'b self, input: &'b ValueInput) -> Result<ValueColumn<'b>> {
        ValueColumn::new(&mut &input.fields[..], &mut self.buffers(input))
    }

    /// The buffers of a column and of its descendants, as they crossed.
    pub fn buffers(&self, input: &ValueInput) -> &[Node] {
        let first = &self.layout.first_nodes[input.slot..];
        &self.nodes[first[0]..first[1]]
    }

    /// All rows, where the plugin was bound to [records](crate::record).
    ///
    /// # Errors
    ///
    /// When the plugin was not, or a row is no `T`.
    pub fn records<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let Some(records) = &self.records else {
            return Err(Error::fatal("batches come as columns: see `as_records`"));
        };
        Ok(serde_json::from_str(records)?)
    }

    /// The node of a flat column.
    pub(crate) fn node(&self, slot: usize) -> &Node {
        let first = self.layout.first_nodes[slot];
        let plain = self.plain.iter().find(|(keys, _)| *keys == first);
        plain.map_or_else(|| &self.nodes[first], |(_, plain)| plain)
    }
}
