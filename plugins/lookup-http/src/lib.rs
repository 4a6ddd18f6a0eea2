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

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the configuration is wrong; none where it is right.
    fn wrong(path: &str, format: TableFormat, pointer: Option<&str>) -> Option<String> {
        let (connection, path) = ("reference".to_owned(), path.to_owned());
        let pointer = pointer.map(str::to_owned);
        match (FetchedTable { connection, path, format, pointer }).check() {
            Err(Error::BadConfig { pointer, .. }) => Some(pointer),
            Err(other) => panic!("{other:?}"),
            Ok(()) => None,
        }
    }

    #[test]
    fn what_cannot_work_is_refused_at_its_place() {
        use TableFormat::{Csv, Json};
        assert_eq!(wrong("/x", Csv, None), None);
        assert_eq!(wrong("/x", Json, Some("")), None);
        assert_eq!(wrong("/x", Json, Some("/data")), None);
        assert_eq!(wrong("x", Csv, None).as_deref(), Some("/table/path"));
        assert_eq!(wrong("/x", Csv, Some("/data")).as_deref(), Some("/table/pointer"));
        assert_eq!(wrong("/x", Json, Some("data")).as_deref(), Some("/table/pointer"));
    }
}
