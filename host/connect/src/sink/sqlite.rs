//! Tables of a SQLite database.
//!
//! Attempts are staged as Arrow files; the commit loads them all in one transaction, together with a row in
//! the table `_wasmill_commits` that says so. **Guarantee**: exactly once, all or nothing: a commit that is
//! repeated finds that row and does nothing. The row is where the rows are. So a database file that has vanished since the check
//! is made again, and holds the rows of the run once too; what other runs had written there went with the file.
//!
//! Parts are [verified](StagedPart::verify) before the transaction begins: they are read anyway, and that takes far less than to
//! insert them.
//!
//! | Arrow | SQLite |
//! |---|---|
//! | boolean, integers | INTEGER |
//! | floats | REAL |
//! | decimals | DECIMAL(p, s), which SQLite keeps as a number |
//! | binary | BLOB |
//! | text, dates, times, instants | TEXT, ISO 8601 |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef, UInt64Type};
use arrow_ipc::reader::FileReader;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, Sqlite};

use super::ipc::IpcStageWriter;
use super::{
    CommitReport, Guarantee, PartName, Publish, Rejection, Sink, StageWriter, StagedPart, probe,
};
use crate::crash;
use crate::error::{ConnectError, Result};
use crate::files::create_folder;
use crate::source::sqlite::quoted;

/// SQLite takes at most 32,766 parameters a statement.
const MAX_PARAMETERS: usize = 32_766;
const MAX_ROWS_PER_INSERT: usize = 500;
/// How long a commit waits for others who write to the database. After that it fails, by chance.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// One row for each run and table. How many rows it wrote is for whoever looks at the database.
const COMMITS_TABLE: &str = "CREATE TABLE IF NOT EXISTS _wasmill_commits
    (run TEXT NOT NULL, table_name TEXT NOT NULL, rows INTEGER, PRIMARY KEY (run, table_name))";
/// For a table that was made before it told that.
const COMMITS_ROWS: &str = "ALTER TABLE _wasmill_commits ADD COLUMN rows INTEGER";

/// A table of a SQLite database.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteSinkConfig {
    /// The database file; created where there is none.
    pub path: String,
    /// The table; created where there is none, with the columns of the rows.
    pub table: String,
    /// What happens to rows that the table already holds.
    pub mode: TableMode,
    /// The columns that identify a row, for `mode = "merge"`.
    #[serde(default)]
    pub key: Vec<String>,
}

/// What happens to rows that a table already holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TableMode {
    /// They stay.
    Append,
    /// They go.
    Replace,
    /// Those with the same key are replaced, the others stay. Of several new rows with the same key the last counts.
    Merge,
}

/// A table of a SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteSink {
    path: PathBuf,
    table: String,
    mode: TableMode,
    key: Vec<String>,
}

impl SqliteSink {
    pub fn new(config: &SqliteSinkConfig, base: &Path) -> Result<Self> {
        let key_needed = config.mode == TableMode::Merge;
        if key_needed == config.key.is_empty() {
            let message = if key_needed {
                "mode `merge` needs the columns that identify a row".to_owned()
            } else {
                "only mode `merge` has a key".to_owned()
            };
            return Err(ConnectError::Config { key: "key", message });
        }
        Ok(Self {
            path: base.join(&config.path),
            table: config.table.clone(),
            mode: config.mode,
            key: config.key.clone(),
        })
    }

    async fn connect(&self) -> Result<SqliteConnection> {
        if let Some(folder) = self.path.parent() {
            create_folder(folder)?;
        }
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(true)
            .busy_timeout(BUSY_TIMEOUT)
            .connect()
            .await
            .map_err(ConnectError::database("cannot open", &self.path))
    }

    /// The names of a table's columns; none where there is no table.
    async fn columns_of(
        &self,
        connection: &mut SqliteConnection,
        table: &str,
    ) -> Result<Vec<String>> {
        let rows = sqlx::query("SELECT name FROM pragma_table_info($1)")
            .bind(table)
            .fetch_all(connection)
            .await
            .map_err(ConnectError::database("cannot query", &self.path))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Refuses a table that lacks columns of the rows.
    async fn check_columns(
        &self,
        connection: &mut SqliteConnection,
        schema: &SchemaRef,
    ) -> Result<()> {
        let existing = self.columns_of(connection, &self.table).await?;
        let missing = schema.fields().iter().find(|field| !existing.contains(field.name()));
        match missing {
            Some(missing) if !existing.is_empty() => Err(ConnectError::Config {
                key: "table",
                message: format!(
                    "the table `{}` exists and has no column `{}`; it has {}",
                    self.table,
                    missing.name(),
                    existing.join(", ")
                ),
            }),
            _ => Ok(()),
        }
    }

    async fn check_target(&self, schema: SchemaRef) -> Result<()> {
        if let Some(unknown) = self.key.iter().find(|key| schema.field_with_name(key).is_err()) {
            let names: Vec<&str> =
                schema.fields().iter().map(|field| field.name().as_str()).collect();
            let message = format!("there is no column `{unknown}`; there are {}", names.join(", "));
            return Err(ConnectError::Config { key: "key", message });
        }
        for field in schema.fields() {
            column_type(field.data_type()).ok_or_else(|| ConnectError::Config {
                key: "table",
                message: format!(
                    "column `{}` is a {}, which SQLite cannot hold",
                    field.name(),
                    field.data_type()
                ),
            })?;
        }
        if self.path.exists() {
            let mut connection = self.connect().await?;
            self.check_columns(&mut connection, &schema).await?;
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        create_folder(folder)?;
        probe(folder)
    }

    async fn load(
        &self,
        schema: SchemaRef,
        run: &str,
        parts: &[StagedPart],
        publish: Publish,
    ) -> Result<CommitReport> {
        let failed = || ConnectError::database("cannot write to", &self.path);
        let mut report = CommitReport {
            target: self.target(),
            rows: parts.iter().map(|part| part.rows).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            files: Vec::new(),
        };
        if self.path.exists() && self.is_committed(run).await? {
            return Ok(report);
        }
        verify(parts.to_vec()).await?;
        let mut connection = self.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        sqlx::query(COMMITS_TABLE).execute(&mut *transaction).await.map_err(failed())?;
        if !self
            .columns_of(&mut transaction, "_wasmill_commits")
            .await?
            .contains(&"rows".to_owned())
        {
            sqlx::query(COMMITS_ROWS).execute(&mut *transaction).await.map_err(failed())?;
        }
        let entered = sqlx::query(
            "INSERT INTO _wasmill_commits (run, table_name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(run)
        .bind(&self.table)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?;
        if entered.rows_affected() == 0 {
            // Another process committed this run just now.
            return Ok(report);
        }
        for statement in self.prepare_statements(&schema, publish) {
            sqlx::query(AssertSqlSafe(statement))
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
        }
        self.check_columns(&mut transaction, &schema).await?;
        report.rows = 0;
        for part in parts {
            let file = std::fs::File::open(&part.path)
                .map_err(ConnectError::io("cannot open", &part.path))?;
            let batches = FileReader::try_new_buffered(file, None)
                .map_err(ConnectError::arrow(&part.path))?;
            for batch in batches {
                let batch = batch.map_err(ConnectError::arrow(&part.path))?;
                self.insert(&mut transaction, &batch).await?;
                report.rows += batch.num_rows() as u64;
            }
        }
        sqlx::query("UPDATE _wasmill_commits SET rows = $1 WHERE run = $2 AND table_name = $3")
            .bind(i64::try_from(report.rows).unwrap_or(i64::MAX))
            .bind(run)
            .bind(&self.table)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        crash::point("mid-commit");
        transaction.commit().await.map_err(failed())?;
        Ok(report)
    }

    /// Whether an earlier attempt to commit this run got through. Its parts may be swept by now.
    async fn is_committed(&self, run: &str) -> Result<bool> {
        let failed = || ConnectError::database("cannot query", &self.path);
        let mut connection = self.connect().await?;
        let committed: Option<i64> =
            if self.columns_of(&mut connection, "_wasmill_commits").await?.is_empty() {
                None
            } else {
                sqlx::query_scalar(
                    "SELECT 1 FROM _wasmill_commits WHERE run = $1 AND table_name = $2",
                )
                .bind(run)
                .bind(&self.table)
                .fetch_optional(&mut connection)
                .await
                .map_err(failed())?
            };
        connection.close().await.map_err(failed())?;
        Ok(committed.is_some())
    }

    fn prepare_statements(&self, schema: &SchemaRef, publish: Publish) -> Vec<String> {
        let columns: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| {
                let declared = column_type(field.data_type()).unwrap_or_else(|| "TEXT".to_owned());
                format!("{} {declared}", quoted(field.name()))
            })
            .collect();
        let table = quoted(&self.table);
        let mut statements =
            vec![format!("CREATE TABLE IF NOT EXISTS {table} ({})", columns.join(", "))];
        match self.mode {
            TableMode::Replace if publish == Publish::Added => {}
            TableMode::Append => {}
            TableMode::Replace => statements.push(format!("DELETE FROM {table}")),
            TableMode::Merge => {
                let index = quoted(&format!("wasmill_key_of_{}", self.table));
                let key = quoted_list(&self.key);
                statements
                    .push(format!("CREATE UNIQUE INDEX IF NOT EXISTS {index} ON {table} ({key})"));
            }
        }
        statements
    }

    fn insert_statement(&self, names: &[String], rows: usize) -> String {
        let row = format!("({})", vec!["?"; names.len()].join(","));
        let values = vec![row.as_str(); rows].join(",");
        let table = quoted(&self.table);
        let mut statement = format!("INSERT INTO {table} ({}) VALUES {values}", quoted_list(names));
        if self.mode == TableMode::Merge {
            let updates: Vec<String> = names
                .iter()
                .filter(|name| !self.key.contains(name))
                .map(|name| format!("{0} = excluded.{0}", quoted(name)))
                .collect();
            let action = if updates.is_empty() {
                "DO NOTHING".to_owned()
            } else {
                format!("DO UPDATE SET {}", updates.join(", "))
            };
            statement.push_str(&format!(" ON CONFLICT ({}) {action}", quoted_list(&self.key)));
        }
        statement
    }

    async fn insert(&self, connection: &mut SqliteConnection, batch: &RecordBatch) -> Result<()> {
        let names: Vec<String> =
            batch.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
        let columns = batch
            .columns()
            .iter()
            .map(|column| SqliteColumn::new(column).map_err(ConnectError::arrow(&self.path)))
            .collect::<Result<Vec<_>>>()?;
        let rows_at_once = (MAX_PARAMETERS / names.len().max(1)).clamp(1, MAX_ROWS_PER_INSERT);
        let full_statement = self.insert_statement(&names, rows_at_once);
        for start in (0..batch.num_rows()).step_by(rows_at_once) {
            let end = batch.num_rows().min(start + rows_at_once);
            let statement = if end - start == rows_at_once {
                full_statement.clone()
            } else {
                self.insert_statement(&names, end - start)
            };
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for row in start..end {
                for column in &columns {
                    query = column.bind(query, row);
                }
            }
            query
                .execute(&mut *connection)
                .await
                .map_err(ConnectError::database("cannot write to", &self.path))?;
        }
        Ok(())
    }
}

/// Reads all parts, and refuses them when one is not as it was staged.
async fn verify(parts: Vec<StagedPart>) -> Result<()> {
    tokio::task::spawn_blocking(move || parts.iter().try_for_each(StagedPart::verify))
        .await
        .expect("hashing does not panic")
}

fn quoted_list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// The declared type of a column; none where SQLite cannot hold it.
fn column_type(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        integer if integer.is_integer() => "INTEGER".to_owned(),
        float if float.is_floating() => "REAL".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            // SQLite makes floating-point numbers of decimals, which hold 15 digits; more are kept as text.
            if *precision <= 15 {
                format!("DECIMAL({precision},{scale})")
            } else {
                "TEXT".to_owned()
            }
        }
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => {
            "BLOB".to_owned()
        }
        DataType::Dictionary(_, values) => return column_type(values),
        nested if nested.is_nested() => return None,
        _ => "TEXT".to_owned(),
    })
}

/// A column as SQLite takes it.
enum SqliteColumn {
    Int(ArrayRef),
    Float(ArrayRef),
    Bytes(ArrayRef),
    Text(ArrayRef),
}

impl SqliteColumn {
    fn new(column: &ArrayRef) -> std::result::Result<Self, arrow::error::ArrowError> {
        Ok(match column_type(column.data_type()).as_deref() {
            Some("BOOLEAN" | "INTEGER") => Self::Int(cast(column, &DataType::Int64)?),
            Some("REAL") => Self::Float(cast(column, &DataType::Float64)?),
            Some("BLOB") => Self::Bytes(cast(column, &DataType::Binary)?),
            _ => Self::Text(cast(column, &DataType::Utf8)?),
        })
    }

    fn bind<'q>(
        &self,
        query: Query<'q, Sqlite, SqliteArguments>,
        row: usize,
    ) -> Query<'q, Sqlite, SqliteArguments> {
        match self {
            Self::Int(values) => {
                let value =
                    values.is_valid(row).then(|| values.as_primitive::<Int64Type>().value(row));
                query.bind(value)
            }
            Self::Float(values) => {
                let value =
                    values.is_valid(row).then(|| values.as_primitive::<Float64Type>().value(row));
                query.bind(value)
            }
            Self::Bytes(values) => {
                let value =
                    values.is_valid(row).then(|| values.as_binary::<i32>().value(row).to_vec());
                query.bind(value)
            }
            Self::Text(values) => {
                let value =
                    values.is_valid(row).then(|| values.as_string::<i32>().value(row).to_owned());
                query.bind(value)
            }
        }
    }
}

impl Sink for SqliteSink {
    fn target(&self) -> String {
        format!("{}, table {}", self.path.display(), self.table)
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::AtOnce
    }

    fn replaces(&self) -> bool {
        self.mode == TableMode::Replace
    }

    fn check(&self, schema: SchemaRef) -> BoxFuture<'_, Result<()>> {
        self.check_target(schema).boxed()
    }

    fn stage(
        &self,
        schema: SchemaRef,
        part: &PartName,
        scratch: &Path,
    ) -> Result<Box<dyn StageWriter>> {
        let path = scratch.join(format!("{}-{}.arrow", part.stem, part.attempt));
        let key =
            self.key.iter().map(|name| (name.clone(), schema.index_of(name))).collect::<Vec<_>>();
        let key = key
            .into_iter()
            .filter_map(|(name, position)| position.ok().map(|position| (name, position)))
            .collect();
        let unsigned = schema.fields().iter().enumerate();
        let unsigned = unsigned
            .filter(|(_, field)| *field.data_type() == DataType::UInt64)
            .map(|(position, field)| (field.name().clone(), position))
            .collect();
        let writer = IpcStageWriter::create(path, part.stem.clone(), &schema)?;
        Ok(Box::new(CheckedStageWriter { key, unsigned, writer: Box::new(writer) }))
    }

    fn commit<'a>(
        &'a self,
        schema: SchemaRef,
        run: &'a str,
        parts: &'a [StagedPart],
        publish: Publish,
    ) -> BoxFuture<'a, Result<CommitReport>> {
        self.load(schema, run, parts, publish).boxed()
    }

    fn sweep(&self, _run: &str, _keep: &[StagedPart]) -> Result<()> {
        // The scratch folder is swept by its owner.
        Ok(())
    }

    fn staged_runs(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

/// Stages rows that SQLite can hold as they are. It would take any number of null keys as different, and has
/// no integers beyond 63 bits.
struct CheckedStageWriter {
    key: Vec<(String, usize)>,
    unsigned: Vec<(String, usize)>,
    writer: Box<IpcStageWriter>,
}

impl StageWriter for CheckedStageWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<Rejection>> {
        let mut rejections: BTreeMap<usize, Rejection> = BTreeMap::new();
        let mut reject = |row: usize, rule, column: &str, message: String| {
            let column = Some(column.to_owned());
            rejections.entry(row).or_insert(Rejection { row: row as u32, rule, column, message });
        };
        for (name, position) in &self.key {
            let column = batch.column(*position);
            for row in (0..column.len()).filter(|&row| column.is_null(row)) {
                reject(row, "null-key", name, "null in a column of the key".to_owned());
            }
        }
        for (name, position) in &self.unsigned {
            for (row, value) in
                batch.column(*position).as_primitive::<UInt64Type>().iter().enumerate()
            {
                if let Some(value) = value.filter(|value| i64::try_from(*value).is_err()) {
                    let message = format!("{value} is more than SQLite's integers hold");
                    reject(row, "out-of-range", name, message);
                }
            }
        }
        let rejections: Vec<Rejection> = rejections.into_values().collect();
        if rejections.is_empty() {
            return self.writer.write(batch);
        }
        let mut good = vec![true; batch.num_rows()];
        rejections.iter().for_each(|rejection| good[rejection.row as usize] = false);
        let kept = arrow::compute::filter_record_batch(batch, &good.into())
            .map_err(ConnectError::arrow("rows with a key"))?;
        self.writer.write(&kept)?;
        Ok(rejections)
    }

    fn finish(self: Box<Self>) -> Result<StagedPart> {
        self.writer.finish()
    }
}
