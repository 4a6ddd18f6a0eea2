//! Parquet files; a split is a row group.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Source, SourceBatch, SourceSplit, blocking_stream};
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
    row_group: usize,
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

    fn splits(&self) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        async move {
            let mut splits = Vec::new();
            for file in &self.files {
                let builder = builder(file)?;
                for (row_group, metadata) in builder.metadata().row_groups().iter().enumerate() {
                    let rows = u64::try_from(metadata.num_rows()).ok();
                    let bytes = u64::try_from(metadata.compressed_size()).ok();
                    let split = ParquetSplit { file: file.clone(), row_group };
                    splits.push(SourceSplit::new(&split, rows, bytes));
                }
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
        Ok(blocking_stream(move || {
            split.file.check_unchanged()?;
            let path = split.file.path.clone();
            let reader = builder(&split.file)?
                .with_row_groups(vec![split.row_group])
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
        }))
    }
}
