//! A batch as a plugin sees it: the columns that it reads.

use crate::any::AnyColumn;
use crate::bindings::types::{self as wit, Node, Payload};
use crate::column::Column;
use crate::error::{Error, Result};
use crate::schema::{AnyInput, Input};
use crate::types::Type;

/// Some rows of the columns that a plugin reads.
pub struct Batch<'a> {
    rows: usize,
    nodes: Vec<Node>,
    first_nodes: &'a [usize],
}

impl<'a> Batch<'a> {
    pub(crate) fn new(batch: wit::Batch, first_nodes: &'a [usize]) -> Result<Self> {
        match batch.values {
            Payload::Columns(nodes) => Ok(Self { rows: batch.rows as usize, nodes, first_nodes }),
            Payload::Ipc(_) | Payload::Json(_) => {
                Err(Error::fatal("the host sent another encoding than the one that was bound"))
            }
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A column that was asked for when the plugin was bound.
    pub fn column<T: Type + ?Sized>(&self, input: Input<T>) -> Column<'_, T> {
        Column::new(&self.nodes[self.first_nodes[input.slot]])
    }

    /// A column of any type that was asked for when the plugin was bound.
    pub fn any_column<'b>(&'b self, input: &'b AnyInput) -> AnyColumn<'b> {
        AnyColumn::new(&input.data_type, &self.nodes[self.first_nodes[input.slot]])
            .expect("binding refuses types that cannot be read")
    }
}
