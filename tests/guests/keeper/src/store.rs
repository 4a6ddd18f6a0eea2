//! The key-value store behind the connection.

use wasmill_plugin_sdk::Result;
use wasmill_plugin_sdk::http::Connection;

pub struct Store {
    connection: Connection,
}

impl Store {
    pub fn new(connection: &str) -> Self {
        Self { connection: Connection::named(connection) }
    }

    pub fn put(&self, key: &str, value: String) -> Result<()> {
        self.connection.request("PUT", key).body(value).send()?.successful()?;
        Ok(())
    }

    /// Deletes a key, which may be gone already.
    pub fn delete(&self, key: &str) -> Result<()> {
        let response = self.connection.request("DELETE", key).send()?;
        if response.status != 404 {
            response.successful()?;
        }
        Ok(())
    }
}
