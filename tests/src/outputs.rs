//! What a run published, so that two runs can be compared byte by byte.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, TypeInfo as _};
use sqlx::{Column as _, ValueRef as _};

use crate::workspace::{Workspace, is_hidden};

/// Files that were published below a folder, by their names; databases as their tables, by their names and that of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outputs(BTreeMap<String, Vec<u8>>);

impl Outputs {
    /// What is below a folder of a workspace, but for what readers of data pass over.
    ///
    /// # Panics
    ///
    /// When something cannot be read.
    pub fn read(workspace: &Workspace, folder: &str) -> Self {
        let root = workspace.path(folder);
        let mut outputs = BTreeMap::new();
        for path in workspace.files(folder) {
            let name = path.strip_prefix(&root).expect("files of a folder are below it");
            if is_hidden(name) {
                continue;
            }
            let name = name.display().to_string();
            if path.extension().is_some_and(|extension| extension == "db") {
                outputs.extend(
                    tables(&path)
                        .into_iter()
                        .map(|(table, rows)| (format!("{name} {table}"), rows)),
                );
            } else {
                outputs.insert(name, std::fs::read(&path).expect("a readable file"));
            }
        }
        Self(outputs)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of all files and tables.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The text of a file or table.
    ///
    /// # Panics
    ///
    /// When there is none of that name.
    pub fn text(&self, name: &str) -> String {
        let bytes = self.0.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.names()));
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Panics unless both are the same; says where they differ first.
    ///
    /// # Panics
    ///
    /// Then.
    pub fn assert_same(&self, expected: &Self, what: &str) {
        assert_eq!(self.names(), expected.names(), "{what}");
        for (name, bytes) in &expected.0 {
            if self.0[name] != *bytes {
                panic!("{what}: {name} is\n{}\nand not\n{}", self.text(name), expected.text(name));
            }
        }
    }
}

/// All tables of a database, a line for each row in the order of row ids: what SQLite keeps, with its types.
fn tables(path: &Path) -> Vec<(String, Vec<u8>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = options.connect().await.expect("a database");
        let names: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
                .fetch_all(&mut connection)
                .await
                .expect("names of tables");
        let mut tables = Vec::new();
        for name in names {
            let rows = rows(&mut connection, &name).await;
            tables.push((name, rows));
        }
        connection.close().await.expect("the database closes");
        tables
    })
}

async fn rows(connection: &mut SqliteConnection, table: &str) -> Vec<u8> {
    // The primary key of `_wasmill_commits` is no row id; it has one too.
    let sql = format!("SELECT * FROM \"{table}\" ORDER BY rowid");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await.expect("rows");
    let mut text = String::new();
    for row in rows {
        for column in row.columns() {
            let value = row.try_get_raw(column.ordinal()).expect("a value");
            let shown = match value.type_info().name() {
                _ if value.is_null() => "null".to_owned(),
                "INTEGER" => row.get_unchecked::<i64, _>(column.ordinal()).to_string(),
                "REAL" => format!("{:?}", row.get_unchecked::<f64, _>(column.ordinal())),
                _ => format!("{:?}", row.get_unchecked::<String, _>(column.ordinal())),
            };
            text.push_str(&format!("{}={shown} ", column.name()));
        }
        text.push('\n');
    }
    text.into_bytes()
}
