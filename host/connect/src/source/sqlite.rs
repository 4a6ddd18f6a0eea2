//! Tables and queries of a SQLite database.
//!
//! SQLite types values, not columns. A column's type here is that of its declaration, or as `types` says;
//! a value of another type makes the row a bad record. A table with row ids can be divided into ranges of them; a
//! query is one split.
//!
//! A split is read in one statement, so it is of one state of the database. That all splits are of the same one is known by the
//! database file, and by the log beside it (`-wal`) where it holds anything: when those are not as they were when the source was
//! divided, the split is refused. So a database that others write to all the time is read by way of a copy, such as `VACUUM INTO`
//! makes.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch,
    StringBuilder, UInt64Array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::FormatOptions;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteValueRef};
use sqlx::{
    Column as _, ConnectOptions as _, Decode, Executor as _, Row as _, SqlSafeStr as _, Sqlite,
    Statement as _, TypeInfo as _, ValueRef as _,
};

use super::{BATCHES_AHEAD, BadRecord, Source, SourceBatch, SourceSplit, received};
use crate::error::{ConnectError, Result};
use crate::files::FoundFile;
use crate::types::{DeclaredTypes, parse_type};

/// A table or a query of a SQLite database.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteSourceConfig {
    /// The database file.
    pub path: String,
    /// The table to read.
    pub table: Option<String>,
    /// The query to read, instead of a table.
    pub query: Option<String>,
    /// Types of columns, where the declared ones are missing or will not do, such as `{ day = "date" }`.
    #[serde(default)]
    pub types: DeclaredTypes,
    /// Into how many ranges of row ids a table is divided. Default: 1.
    #[serde(default = "default_splits")]
    pub splits: u32,
}

fn default_splits() -> u32 {
    1
}

/// A table or a query of a SQLite database.
pub struct SqliteSource {
    path: PathBuf,
    table: Option<String>,
    /// The statement without any range of row ids.
    query: String,
    schema: SchemaRef,
    splits: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct SqliteSplit {
    /// Row ids from and to, both included; all rows where absent.
    row_ids: Option<(i64, i64)>,
    /// The database file, and its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<DatabaseFiles>,
}

/// The files of a database as they were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DatabaseFiles {
    database: FoundFile,
    /// None where it is empty, too: whoever opens a database may leave such a one behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wal: Option<FoundFile>,
}

impl DatabaseFiles {
    fn find(path: &Path) -> Result<Self> {
        Ok(Self { database: FoundFile::new(path.to_owned())?, wal: find_wal(path)? })
    }

    /// Refuses files that are not those that were found.
    fn check_unchanged(&self) -> Result<()> {
        self.database.check_unchanged()?;
        match (&self.wal, find_wal(&self.database.path)?) {
            (Some(wal), _) => wal.check_unchanged(),
            (None, Some(new)) => Err(ConnectError::Changed {
                what: format!("it had nothing in it, and has {} bytes", new.bytes),
                path: new.path,
            }),
            (None, None) => Ok(()),
        }
    }
}

/// The write-ahead log of a database: https://sqlite.org/walformat.html
fn find_wal(database: &Path) -> Result<Option<FoundFile>> {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    match FoundFile::new(path.into()) {
        Ok(wal) => Ok(Some(wal).filter(|wal| wal.bytes > 0)),
        Err(ConnectError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a database for reading.
async fn connect(path: &Path) -> Result<SqliteConnection> {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .connect()
        .await
        .map_err(ConnectError::database("cannot open", path))
}

/// A name as SQL takes it, whatever it holds.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl SqliteSource {
    /// Opens the database and asks for the columns.
    pub async fn open(config: &SqliteSourceConfig, base: &Path) -> Result<Self> {
        let path = base.join(&config.path);
        let query = match (&config.table, &config.query) {
            (Some(table), None) => format!("SELECT * FROM {}", quoted(table)),
            (None, Some(query)) => query.clone(),
            _ => {
                let message = "either `table` or `query` must be given, and not both".to_owned();
                return Err(ConnectError::Config { key: "table", message });
            }
        };
        if !path.is_file() {
            return Err(ConnectError::NoFiles { pattern: path.to_string_lossy().into_owned() });
        }
        let mut connection = connect(&path).await?;
        let schema =
            columns(&mut connection, &query, config).await.map_err(|error| match error {
                ConnectError::Database { source: sqlx::Error::Database(message), .. } => {
                    let key = if config.table.is_some() { "table" } else { "query" };
                    ConnectError::Config { key, message: message.to_string() }
                }
                other => other,
            })?;
        let splits = config.splits.max(1);
        Ok(Self { path, table: config.table.clone(), query, schema, splits })
    }
}

impl SqliteSource {
    /// The row ids of the table in `count` ranges; none for a query, for an empty table, and where one range will do.
    async fn row_ids(&self, count: u32) -> Result<Option<Vec<(i64, i64)>>> {
        let Some(table) = self.table.as_ref().filter(|_| count > 1) else { return Ok(None) };
        let query = format!("SELECT min(rowid), max(rowid) FROM {}", quoted(table));
        let mut connection = connect(&self.path).await?;
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .fetch_one(&mut connection)
            .await
            .map_err(ConnectError::database("cannot query", &self.path))?;
        let bounds = (row.get::<Option<i64>, _>(0), row.get::<Option<i64>, _>(1));
        let (Some(first), Some(last)) = bounds else { return Ok(None) };
        Ok(Some(ranges(first, last, count).collect()))
    }
}

async fn columns(
    connection: &mut SqliteConnection,
    query: &str,
    config: &SqliteSourceConfig,
) -> Result<SchemaRef> {
    let path = Path::new(&config.path);
    let statement = connection
        .prepare(sqlx::AssertSqlSafe(query.to_owned()).into_sql_str())
        .await
        .map_err(ConnectError::database("cannot query", path))?;
    let names: Vec<&str> = statement.columns().iter().map(sqlx::Column::name).collect();
    let error = |message| ConnectError::Config { key: "types", message };
    if let Some(unknown) = config.types.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(error(format!(
            "there is no column `{unknown}`; there are {}",
            names.join(", ")
        )));
    }
    let mut fields = Vec::with_capacity(names.len());
    for column in statement.columns() {
        let data_type = match config.types.get(column.name()) {
            Some(declared) => parse_type(declared).map_err(|unknown| error(unknown.to_string()))?,
            None => match column.type_info().name() {
                "BOOLEAN" => DataType::Boolean,
                "INTEGER" | "INT4" | "INT8" | "BIGINT" => DataType::Int64,
                "REAL" => DataType::Float64,
                "BLOB" => DataType::Binary,
                _ => DataType::Utf8,
            },
        };
        fields.push(Field::new(column.name(), data_type, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

impl Source for SqliteSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn splits(&self, wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        async move {
            let files = DatabaseFiles::find(&self.path)?;
            let ranges = self.row_ids(wanted.unwrap_or(self.splits)).await?;
            // Otherwise the row ids may be of a later state.
            files.check_unchanged()?;
            let split = |row_ids| {
                let split = SqliteSplit { row_ids, files: Some(files.clone()) };
                SourceSplit::new(&split, None, None)
            };
            Ok(match ranges {
                Some(ranges) => ranges.into_iter().map(|range| split(Some(range))).collect(),
                None => vec![split(None)],
            })
        }
        .boxed()
    }

    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let split: SqliteSplit = split.parse()?;
        let mut query = self.query.clone();
        if self.table.is_some() {
            if let Some((first, last)) = split.row_ids {
                query = format!("{query} WHERE rowid BETWEEN {first} AND {last}");
            }
            query.push_str(" ORDER BY rowid");
        }
        let path = self.path.clone();
        let schema = Arc::clone(&self.schema);
        // The rows borrow the connection, so one task owns both.
        let (sender, receiver) = tokio::sync::mpsc::channel(BATCHES_AHEAD);
        let reader = tokio::spawn(async move {
            let check = || split.files.as_ref().map_or(Ok(()), DatabaseFiles::check_unchanged);
            let read = async {
                check()?;
                let mut connection = connect(&path).await?;
                let rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch(&mut connection);
                let mut chunks = rows.try_chunks(batch_rows.max(1));
                let mut position = 0;
                while let Some(rows) = chunks.next().await {
                    let rows = rows.map_err(|error| error.1);
                    let rows = rows.map_err(ConnectError::database("cannot read", &path))?;
                    let first = position;
                    position += rows.len() as u64;
                    let batch = batch(&schema, &rows, first, &path)?;
                    if sender.send(Ok(batch)).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(())
            };
            if let Err(error) = read.await.and_then(|()| check()) {
                // What failed did so because of the change, where there was one.
                let error = check().err().unwrap_or(error);
                // Nobody listens any more when this fails too.
                drop(sender.send(Err(error)).await);
            }
        });
        Ok(received(receiver, reader))
    }
}

/// `count` ranges of about the same width that cover `first` to `last`.
fn ranges(first: i64, last: i64, count: u32) -> impl Iterator<Item = (i64, i64)> {
    let span = i128::from(last) - i128::from(first) + 1;
    let width = (span + i128::from(count) - 1) / i128::from(count);
    (0..i128::from(count)).filter_map(move |index| {
        let start = i128::from(first) + index * width;
        let end = (start + width - 1).min(i128::from(last));
        (start <= end).then_some((start as i64, end as i64))
    })
}

/// The values of a column as SQLite has them, before they are cast to the column's type.
enum Values {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
}

impl Values {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Bool(BooleanBuilder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            integer if integer.is_integer() => Self::Int(Int64Builder::new()),
            float if float.is_floating() => Self::Float(Float64Builder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Appends a value; false where it is of another type.
    fn append(&mut self, value: SqliteValueRef<'_>) -> bool {
        fn decode<'r, T: Decode<'r, Sqlite>>(value: SqliteValueRef<'r>) -> Option<T> {
            T::decode(value).ok()
        }
        let stored = value.type_info().name().to_owned();
        let is = |names: &[&str]| names.contains(&stored.as_str());
        match self {
            Self::Bool(values) if is(&["INTEGER", "BOOLEAN"]) => {
                decode(value).map(|value| values.append_value(value)).is_some()
            }
            Self::Int(values) if is(&["INTEGER", "BOOLEAN"]) => {
                decode(value).map(|value| values.append_value(value)).is_some()
            }
            Self::Float(values) if is(&["REAL"]) => {
                decode(value).map(|value| values.append_value(value)).is_some()
            }
            Self::Float(values) if is(&["INTEGER"]) => {
                decode::<i64>(value).map(|value| values.append_value(value as f64)).is_some()
            }
            Self::Text(values) if is(&["INTEGER", "BOOLEAN"]) => {
                decode::<i64>(value).map(|value| values.append_value(value.to_string())).is_some()
            }
            Self::Text(values) if is(&["REAL"]) => {
                decode::<f64>(value).map(|value| values.append_value(value.to_string())).is_some()
            }
            Self::Text(values) if !is(&["BLOB"]) => {
                decode::<&str>(value).map(|value| values.append_value(value)).is_some()
            }
            Self::Bytes(values) if is(&["BLOB", "TEXT"]) => {
                decode::<&[u8]>(value).map(|value| values.append_value(value)).is_some()
            }
            _ => false,
        }
    }

    fn append_null(&mut self) {
        match self {
            Self::Bool(values) => values.append_null(),
            Self::Int(values) => values.append_null(),
            Self::Float(values) => values.append_null(),
            Self::Text(values) => values.append_null(),
            Self::Bytes(values) => values.append_null(),
        }
    }

    fn finish(mut self) -> ArrayRef {
        match &mut self {
            Self::Bool(values) => Arc::new(values.finish()),
            Self::Int(values) => Arc::new(values.finish()),
            Self::Float(values) => Arc::new(values.finish()),
            Self::Text(values) => Arc::new(values.finish()),
            Self::Bytes(values) => Arc::new(values.finish()),
        }
    }
}

fn batch(schema: &SchemaRef, rows: &[SqliteRow], first: u64, path: &Path) -> Result<SourceBatch> {
    let arrow = |error| ConnectError::Arrow { path: path.to_owned(), source: error };
    let options = CastOptions { safe: true, format_options: FormatOptions::default() };
    // What is wrong with a row, if anything: the first column at fault.
    let mut faults: Vec<Option<usize>> = vec![None; rows.len()];
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (index, field) in schema.fields().iter().enumerate() {
        let mut values = Values::new(field.data_type());
        for (row, fault) in rows.iter().zip(&mut faults) {
            let value =
                row.try_get_raw(index).map_err(ConnectError::database("cannot read", path))?;
            if value.is_null() {
                values.append_null();
            } else if !values.append(value) {
                values.append_null();
                fault.get_or_insert(index);
            }
        }
        let raw = values.finish();
        let column = cast_with_options(&raw, field.data_type(), &options).map_err(arrow)?;
        for row in (0..raw.len()).filter(|&row| column.is_null(row) && raw.is_valid(row)) {
            faults[row].get_or_insert(index);
        }
        columns.push(column);
    }
    let batch = RecordBatch::try_new(Arc::clone(schema), columns).map_err(arrow)?;
    if faults.iter().all(Option::is_none) {
        return Ok(SourceBatch::contiguous(batch, first));
    }
    let bad_records = faults.iter().enumerate().filter_map(|(row, fault)| {
        let field = schema.field((*fault)?);
        let position = first + row as u64;
        Some(BadRecord {
            position,
            place: format!("row {}", position + 1),
            raw: show_row(&rows[row]).into_bytes(),
            rule: "bad-type".to_owned(),
            column: Some(field.name().clone()),
            message: format!("not of the type {}", field.data_type()),
        })
    });
    let bad_records = bad_records.collect();
    let good: Vec<bool> = faults.iter().map(Option::is_none).collect();
    let kept = (0..rows.len()).filter(|&row| good[row]).map(|row| first + row as u64);
    let positions = UInt64Array::from_iter_values(kept);
    let batch = arrow::compute::filter_record_batch(&batch, &good.into()).map_err(arrow)?;
    Ok(SourceBatch { batch, positions, bad_records })
}

/// A row as a JSON object, for the quarantine.
fn show_row(row: &SqliteRow) -> String {
    let values = row.columns().iter().map(|column| {
        let index = column.ordinal();
        let value = row
            .try_get_unchecked::<Option<String>, _>(index)
            .map(|text| text.map_or(serde_json::Value::Null, serde_json::Value::String))
            .or_else(|_| row.try_get_unchecked::<f64, _>(index).map(serde_json::Value::from))
            .unwrap_or(serde_json::Value::Null);
        (column.name().to_owned(), value)
    });
    serde_json::Value::Object(values.collect()).to_string()
}
