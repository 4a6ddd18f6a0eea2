//! The way by rows: batches as records, read and written with serde.
//!
//! A plugin that is bound with `plan.as_records()` gets each batch as JSON, one object for each row with the columns that it reads, and
//! returns the new columns the same way. That is the shortest way to write a plugin over many columns, nested ones above all, and costs
//! some ten times as much as the way by columns, for each value.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use wasmill_plugin_sdk::prelude::*;
//!
//! /// Splits names.
//! #[config]
//! struct NamesConfig {}
//!
//! #[derive(Deserialize)]
//! struct Person {
//!     name: Option<String>,
//! }
//!
//! #[derive(Serialize)]
//! struct Split {
//!     first: Option<String>,
//! }
//!
//! struct Names;
//!
//! impl Transformer for Names {
//!     type Config = NamesConfig;
//!
//!     fn bind(_config: NamesConfig, plan: &mut Plan) -> Result<Self> {
//!         plan.as_records();
//!         plan.read::<str>("name")?;
//!         plan.write::<str>("first");
//!         Ok(Self)
//!     }
//!
//!     fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
//!         let first = |person: Person| Some(person.name?.split(' ').next()?.to_owned());
//!         let people = batch.records::<Person>()?;
//!         let made: Vec<Split> = people.into_iter().map(|person| Split { first: first(person) }).collect();
//!         out.set_records(&made)
//!     }
//! }
//!
//! transformer!(Names);
//! # fn main() {}
//! ```
//!
//! There is one record for each output row, in order: after [`Rows::filter`](crate::transformer::Rows::filter), none for rows that are left out;
//! after [`Rows::take`](crate::transformer::Rows::take), one for each row that is taken. Dates and instants are RFC 3339 text, bytes are
//! hexadecimal, decimals are numbers.

use serde::Serialize;

use crate::error::Result;

/// A JSON array of records, and how many there are.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    pub(crate) json: String,
    pub(crate) len: usize,
}

impl Records {
    pub(crate) fn new<T: Serialize>(records: &[T]) -> Result<Self> {
        Ok(Self { json: serde_json::to_string(records)?, len: records.len() })
    }

    /// Records of no columns.
    pub(crate) fn empty(len: usize) -> Self {
        Self { json: format!("[{}]", vec!["{}"; len].join(",")), len }
    }
}
