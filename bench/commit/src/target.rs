//! Where the rows go.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use crate::Error;

/// A kind of target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Parquet,
    Csv,
    Jsonl,
    Sqlite,
}

impl Target {
    pub const ALL: [Self; 4] = [Self::Parquet, Self::Csv, Self::Jsonl, Self::Sqlite];

    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Sqlite => "sqlite",
        }
    }

    /// The keys of a sink that writes there.
    pub fn section(self, folder: &Path) -> String {
        match self {
            Self::Sqlite => format!(
                "type = \"sqlite\"\npath = {:?}\ntable = \"orders\"\nmode = \"replace\"\n",
                folder.join("orders.db")
            ),
            _ => format!("type = \"{}\"\npath = {folder:?}\nmode = \"replace\"\n", self.name()),
        }
    }

    /// What is there: hashes of files, in the order of their names but without these; of a table, sums over its rows.
    pub async fn written(self, folder: &Path) -> Result<Vec<String>, Error> {
        if self == Self::Sqlite {
            let options = SqliteConnectOptions::new().filename(folder.join("orders.db"));
            let mut connection = options.connect().await?;
            let row = sqlx::query(
                "SELECT count(*), sum(id * (1 + customer + quantity)), sum(length(city) + coalesce(length(note), 0)),
                        CAST(sum(price) AS INTEGER) FROM orders",
            )
            .fetch_one(&mut connection)
            .await?;
            connection.close().await?;
            return Ok((0..4).map(|column| row.get::<i64, _>(column).to_string()).collect());
        }
        let mut hashes = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                hashes.insert(path.clone(), format!("{:x}", Sha256::digest(std::fs::read(path)?)));
            }
        }
        Ok(hashes.into_values().collect())
    }
}
