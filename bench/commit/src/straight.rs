//! The rows written straight to the target, as a program would that nobody ever kills.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use arrow::json::LineDelimitedWriter;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::task::JoinSet;
use wasmill_connect::sink::parquet_file::ParquetFile;
use wasmill_connect::source::{Source, SourceBatch};

use crate::Error;
use crate::target::Target;

/// As the sinks of files have it.
const BUFFER_BYTES: usize = 256 << 10;
/// As pipelines have it.
const BATCH_ROWS: usize = 8_192;
/// As the sink of tables has it.
const ROWS_OF_AN_INSERT: usize = 500;
const COLUMNS: usize = 6;

type Batches = BoxStream<'static, wasmill_connect::error::Result<SourceBatch>>;

/// Writes straight to the target.
pub struct Straight {
    pub target: Target,
    pub source: Arc<dyn Source>,
    pub folder: PathBuf,
    /// Whether it is on disk at the end.
    pub is_durable: bool,
}

impl Straight {
    pub async fn run(&self, workers: usize) -> Result<(), Error> {
        let mut splits = VecDeque::new();
        for split in self.source.splits(None).await? {
            splits.push_back(self.source.read(&split, BATCH_ROWS)?);
        }
        if self.target == Target::Sqlite {
            return insert(splits, &self.folder.join("orders.db"), self.is_durable).await;
        }
        let mut running = JoinSet::new();
        let mut number = 0;
        loop {
            while running.len() < workers
                && let Some(batches) = splits.pop_front()
            {
                let path = self.folder.join(format!("part-{number:05}.{}", self.target.name()));
                number += 1;
                running.spawn(write(batches, self.target, path, self.is_durable));
            }
            match running.join_next().await {
                Some(written) => written??,
                None => break,
            }
        }
        if self.is_durable {
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }
}

enum Writer {
    Parquet(Option<ParquetFile<BufWriter<File>>>),
    Csv(arrow::csv::Writer<BufWriter<File>>),
    Jsonl(LineDelimitedWriter<BufWriter<File>>),
}

/// Writes one file.
async fn write(
    mut batches: Batches,
    target: Target,
    path: PathBuf,
    is_durable: bool,
) -> Result<(), Error> {
    let mut file = Some(BufWriter::with_capacity(BUFFER_BYTES, File::create(path)?));
    let mut writer = None;
    while let Some(batch) = batches.next().await.transpose()? {
        let batch = batch.batch;
        if let Some(file) = file.take() {
            writer = Some(match target {
                Target::Parquet => Writer::Parquet(Some(ParquetFile::new(file, batch.schema()))),
                Target::Csv => Writer::Csv(arrow::csv::Writer::new(file)),
                Target::Jsonl => Writer::Jsonl(LineDelimitedWriter::new(file)),
                Target::Sqlite => unreachable!("a table is no file"),
            });
        }
        match writer.as_mut().expect("made with the first batch") {
            Writer::Parquet(writer) => {
                writer.as_mut().expect("taken at the end").write(&batch)?;
            }
            Writer::Csv(writer) => writer.write(&batch)?,
            Writer::Jsonl(writer) => writer.write(&batch)?,
        }
    }
    let mut file = match writer.expect("a split has rows") {
        Writer::Parquet(mut writer) => writer.take().expect("taken once").finish()?,
        Writer::Csv(writer) => writer.into_inner(),
        Writer::Jsonl(mut writer) => {
            writer.finish()?;
            writer.into_inner()
        }
    };
    file.flush()?;
    if is_durable {
        file.into_inner()?.sync_all()?;
    }
    Ok(())
}

/// Inserts all rows in one transaction.
async fn insert(splits: VecDeque<Batches>, path: &Path, is_durable: bool) -> Result<(), Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let options = if is_durable { options } else { options.pragma("synchronous", "OFF") };
    let mut connection = options.connect().await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "CREATE TABLE orders (id INTEGER, customer INTEGER, quantity INTEGER, price REAL, city TEXT, note TEXT)",
    )
    .execute(&mut *transaction)
    .await?;
    for mut batches in splits {
        while let Some(batch) = batches.next().await.transpose()? {
            let batch = batch.batch;
            for start in (0..batch.num_rows()).step_by(ROWS_OF_AN_INSERT) {
                let rows = batch.slice(start, ROWS_OF_AN_INSERT.min(batch.num_rows() - start));
                insert_rows(&mut transaction, &rows).await?;
            }
        }
    }
    transaction.commit().await?;
    Ok(connection.close().await?)
}

async fn insert_rows(
    connection: &mut sqlx::sqlite::SqliteConnection,
    rows: &RecordBatch,
) -> Result<(), Error> {
    let row = format!("({})", ["?"; COLUMNS].join(","));
    let values = vec![row; rows.num_rows()].join(",");
    let mut query = sqlx::query(AssertSqlSafe(format!("INSERT INTO orders VALUES {values}")));
    for row in 0..rows.num_rows() {
        let integer = |column: usize| rows.column(column).as_primitive::<Int64Type>().value(row);
        let text = |column: usize| {
            let column = rows.column(column).as_string::<i32>();
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        query = query.bind(integer(0)).bind(integer(1));
        query = query.bind(rows.column(2).as_primitive::<Int32Type>().value(row));
        query = query.bind(rows.column(3).as_primitive::<Float64Type>().value(row));
        query = query.bind(text(4)).bind(text(5));
    }
    query.execute(connection).await?;
    Ok(())
}
