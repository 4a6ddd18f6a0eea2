//! Adds columns from a reference table in the configuration.
//!
//! How tables are searched is in `wasmill-lookup-table`, which `lookup-http` shares; this plugin has no way out of the sandbox, and
//! needs no grant.

use std::collections::BTreeMap;

use serde_json::Value;
use wasmill_lookup_table::raw::RawTable;
use wasmill_lookup_table::{Lookup, TableSource};
use wasmill_plugin_sdk::prelude::*;

/// A table: as rows, or as CSV.
#[config]
pub struct InlineTable {
    /// The rows, such as `[{ code = "DE", name = "Germany" }]`. A key that is left out is a null.
    rows: Option<Vec<BTreeMap<String, Value>>>,
    /// CSV with a line of names; an empty value is a null.
    csv: Option<String>,
}

impl TableSource for InlineTable {
    const IS_PURE: bool = true;

    fn load(&self, max_bytes: usize) -> Result<RawTable> {
        let (table, pointer) = match (&self.rows, &self.csv) {
            (Some(rows), None) => (RawTable::from_rows(rows, max_bytes), "/table/rows"),
            (None, Some(csv)) => (RawTable::from_csv(csv.as_bytes(), max_bytes), "/table/csv"),
            _ => return Err(Error::bad_config("/table", "needs either `rows` or `csv`")),
        };
        table.map_err(|message| Error::bad_config(pointer, message))
    }
}

transformer!(Lookup<InlineTable>);
