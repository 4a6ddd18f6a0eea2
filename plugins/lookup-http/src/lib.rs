//! Adds columns from a reference table that is fetched over HTTP, once by each instance, before its first batch.
//!
//! How tables are searched is in `wasmill-lookup-table`, which `lookup` shares. This plugin stands beside it because a component that
//! can send requests needs a grant, whether or not it sends any.

use wasmill_lookup_table::raw::RawTable;
use wasmill_lookup_table::{Lookup, TableSource};
use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::prelude::*;

/// Where the table is.
#[config]
pub struct FetchedTable {
    /// A connection that the step is granted.
    connection: String,
    /// The path below the connection's URL, such as `/countries.csv`.
    path: String,
    /// What is answered.
    format: TableFormat,
    /// Of `json`: a JSON pointer to the list of rows, such as `/data/items`; the whole by default.
    pointer: Option<String>,
}

/// How a table is written.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// CSV with a line of names; an empty value is a null.
    Csv,
    /// A list of objects.
    Json,
}

impl TableSource for FetchedTable {
    const IS_PURE: bool = false;

    fn check(&self) -> Result<()> {
        if !self.path.starts_with('/') {
            let message = format!("is {:?}; begin it with a slash", self.path);
            return Err(Error::bad_config("/table/path", message));
        }
        match &self.pointer {
            Some(_) if self.format != TableFormat::Json => {
                let message = "is an option of json only; remove it, or change the format";
                Err(Error::bad_config("/table/pointer", message))
            }
            Some(pointer) if !pointer.is_empty() && !pointer.starts_with('/') => {
                let message = format!("is {pointer:?}; begin it with a slash");
                Err(Error::bad_config("/table/pointer", message))
            }
            _ => Ok(()),
        }
    }

    fn load(&self, max_bytes: usize) -> Result<RawTable> {
        let response = Connection::named(&self.connection).get(&self.path).send()?.successful()?;
        let table = match self.format {
            TableFormat::Csv => RawTable::from_csv(&response.body, max_bytes),
            TableFormat::Json => RawTable::from_json(
                &response.body,
                self.pointer.as_deref().unwrap_or(""),
                max_bytes,
            ),
        };
        table.map_err(|message| {
            let (connection, path) = (&self.connection, &self.path);
            Error::fatal(format!("the table at {path} of connection `{connection}` {message}"))
        })
    }
}

transformer!(Lookup<FetchedTable>);
