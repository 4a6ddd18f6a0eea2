//! Parquet files; a split is a row group, or several that follow each other.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unchanged::Unchanged;
use super::{Source, SourceBatch, SourceSplit, blocking_stream, bytes_of_each};
use crate::error::{ConnectError, Result};
use crate::files::{FoundFile, Paths, find};

/// Parquet files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParquetSourceConfig {
    /// The files.
    pub path: Paths,
}

/// Parquet files of one schema.
pub struct ParquetSource {
    files: Vec<FoundFile>,
    schema: SchemaRef,
}

#[derive(Debug, Serialize, Deserialize)]
struct ParquetSplit {
    file: FoundFile,
    /// The first.
    row_group: usize,
    /// How many there are; one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row_groups: Option<usize>,
}

impl ParquetSource {
    /// Finds the files and compares their schemas.
    pub fn open(config: &ParquetSourceConfig, base: &Path) -> Result<Self> {
        let files = find(&config.path, base)?;
        let mut schema: Option<SchemaRef> = None;
        for file in &files {
            let found = plain(builder(file)?.schema());
            match &schema {
                None => schema = Some(found),
                Some(first) if first.fields() != found.fields() => {
                    let message =
                        format!("its columns differ from those of {}", files[0].path.display());
                    return Err(ConnectError::Data { path: file.path.clone(), message });
                }
                Some(_) => {}
            }
        }
        let schema = schema.expect("`find` returns at least one file");
        Ok(Self { files, schema })
    }
}

/// Without metadata of the file, which differ between writers and mean nothing here.
fn plain(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().clone()))
}

fn builder(file: &FoundFile) -> Result<ParquetRecordBatchReaderBuilder<std::fs::File>> {
    ParquetRecordBatchReaderBuilder::try_new(file.open()?)
        .map_err(ConnectError::parquet(&file.path))
}

impl Source for ParquetSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn splits(&self, wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        async move {
            let total: u64 = self.files.iter().map(|file| file.bytes).sum();
            // Without a wish each row group is one.
            let least = wanted.map_or(0, |wanted| bytes_of_each(total, wanted));
            let mut splits = Vec::new();
            for file in &self.files {
                splits.extend(group_rows(file, builder(file)?.metadata(), least));
            }
            Ok(splits)
        }
        .boxed()
    }

    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let split: ParquetSplit = split.parse()?;
        let schema = Arc::clone(&self.schema);
        let file = split.file.clone();
        Ok(blocking_stream(move || {
            Unchanged::open(file, || read_groups(&split, schema, batch_rows))
        }))
    }
}

/// Splits of row groups that follow each other, of `least` bytes each, but for the last one.
fn group_rows(file: &FoundFile, metadata: &ParquetMetaData, least: u64) -> Vec<SourceSplit> {
    let mut splits = Vec::new();
    let (mut first, mut rows, mut bytes) = (0, 0, 0);
    let groups = metadata.row_groups();
    for (index, group) in groups.iter().enumerate() {
        rows += u64::try_from(group.num_rows()).unwrap_or(0);
        bytes += u64::try_from(group.compressed_size()).unwrap_or(0);
        if bytes >= least || index + 1 == groups.len() {
            let count = index + 1 - first;
            let row_groups = (count > 1).then_some(count);
            let split = ParquetSplit { file: file.clone(), row_group: first, row_groups };
            splits.push(SourceSplit::new(&split, Some(rows), Some(bytes)));
            (first, rows, bytes) = (index + 1, 0, 0);
        }
    }
    splits
}

fn read_groups(
    split: &ParquetSplit,
    schema: SchemaRef,
    batch_rows: usize,
) -> Result<impl Iterator<Item = Result<SourceBatch>> + use<>> {
    let path = split.file.path.clone();
    let groups = split.row_group..split.row_group + split.row_groups.unwrap_or(1);
    let reader = builder(&split.file)?
        .with_row_groups(groups.collect())
        .with_batch_size(batch_rows)
        .build()
        .map_err(ConnectError::parquet(&path))?;
    let mut position = 0;
    Ok(reader.map(move |batch| {
        let batch = batch
            .and_then(|batch| batch.with_schema(Arc::clone(&schema)))
            .map_err(ConnectError::arrow(&path))?;
        let first = position;
        position += batch.num_rows() as u64;
        Ok(SourceBatch::contiguous(batch, first))
    }))
}
