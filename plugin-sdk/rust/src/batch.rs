//! A batch as a plugin sees it: the columns that it reads.

use crate::any::AnyColumn;
use crate::bindings::types::{self as wit, Node, Payload};
use crate::column::Column;
use crate::error::{Error, Result};
use crate::schema::{AnyInput, Input, Layout};
use crate::types::Type;

/// Some rows of the columns that a plugin reads.
pub struct Batch<'a> {
    rows: usize,
    nodes: Vec<Node>,
    layout: &'a Layout,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(batch: wit::Batch, layout: &'a Layout) -> Result<Self> {
        let Payload::Columns(mut nodes) = batch.values else {
            return Err(Error::fatal("the host sent another encoding than the one that was bound"));
        };
        for (keys, dictionary) in &layout.dictionaries {
            nodes[*keys] = dictionary.plain(&nodes[*keys], &nodes[keys + 1])?;
        }
        Ok(Self { rows: batch.rows as usize, nodes, layout })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column that was asked for when the plugin was bound.
    pub fn column<T: Type + ?Sized>(&self, input: Input<T>) -> Column<'_, T> {
        Column::new(self.node(input.slot))
    }

    /// A column of any type that was asked for when the plugin was bound.
    pub fn any_column<'b>(&'b self, input: &'b AnyInput) -> AnyColumn<'b> {
        AnyColumn::new(&input.data_type, self.node(input.slot))
            .expect("binding refuses types that cannot be read")
    }

    /// The node of a flat column.
    pub(crate) fn node(&self, slot: usize) -> &Node {
        &self.nodes[self.layout.first_nodes[slot]]
    }
}
