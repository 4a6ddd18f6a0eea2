//! Arrow IPC files (`.arrow`, `.feather`) and streams; a split is a file.

use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_ipc::reader::{FileReader, StreamReader};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::unchanged::Unchanged;
use super::{Source, SourceBatch, SourceSplit, blocking_stream};
use crate::error::{ConnectError, Result};
use crate::files::{FoundFile, Paths, find};

/// Arrow IPC files or streams.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrowSourceConfig {
    /// The files.
    pub path: Paths,
}

/// Arrow IPC files of one schema.
pub struct ArrowSource {
    files: Vec<FoundFile>,
    schema: SchemaRef,
}

#[derive(Debug, Serialize, Deserialize)]
struct ArrowSplit {
    file: FoundFile,
}

type Batches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send>;

impl ArrowSource {
    /// Finds the files and compares their schemas.
    pub fn open(config: &ArrowSourceConfig, base: &Path) -> Result<Self> {
        let files = find(&config.path, base)?;
        let mut schema: Option<SchemaRef> = None;
        for file in &files {
            let (found, _) = open_file(file)?;
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
        Ok(Self { files, schema: schema.expect("`find` returns at least one file") })
    }
}

/// The schema and the batches, whichever of the two formats the file has.
fn open_file(file: &FoundFile) -> Result<(SchemaRef, Batches)> {
    const FILE_MAGIC: &[u8] = b"ARROW1";
    let arrow = |error| ConnectError::Arrow { path: file.path.clone(), source: error };
    let mut input = file.open()?;
    let mut magic = [0; 6];
    let is_file = input.read_exact(&mut magic).is_ok() && magic == FILE_MAGIC;
    input.rewind().map_err(ConnectError::io("cannot read", &file.path))?;
    let plain = |schema: SchemaRef| Arc::new(Schema::new(schema.fields().clone()));
    if is_file {
        let reader = FileReader::try_new_buffered(input, None).map_err(arrow)?;
        Ok((plain(reader.schema()), Box::new(reader)))
    } else {
        let reader = StreamReader::try_new(BufReader::new(input), None).map_err(arrow)?;
        Ok((plain(reader.schema()), Box::new(reader)))
    }
}

impl Source for ArrowSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn splits(&self, _wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        let splits = self.files.iter().map(|file| {
            SourceSplit::new(&ArrowSplit { file: file.clone() }, None, Some(file.bytes))
        });
        futures::future::ready(Ok(splits.collect())).boxed()
    }

    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let split: ArrowSplit = split.parse()?;
        let schema = Arc::clone(&self.schema);
        let file = split.file.clone();
        Ok(blocking_stream(move || {
            Unchanged::open(file, || read_file(&split.file, schema, batch_rows))
        }))
    }
}

fn read_file(
    file: &FoundFile,
    schema: SchemaRef,
    batch_rows: usize,
) -> Result<impl Iterator<Item = Result<SourceBatch>> + use<>> {
    let path = file.path.clone();
    let (_, batches) = open_file(file)?;
    let mut position = 0;
    Ok(batches.flat_map(move |batch| {
        let batch = batch.and_then(|batch| batch.with_schema(Arc::clone(&schema)));
        match batch {
            Ok(batch) => cut(&batch, batch_rows, &mut position),
            Err(error) => vec![Err(ConnectError::Arrow { path: path.clone(), source: error })],
        }
    }))
}

/// Whoever wrote the file chose the size of its batches.
fn cut(batch: &RecordBatch, rows: usize, position: &mut u64) -> Vec<Result<SourceBatch>> {
    let rows = rows.max(1);
    (0..batch.num_rows())
        .step_by(rows)
        .map(|start| {
            let piece = batch.slice(start, rows.min(batch.num_rows() - start));
            let first = *position;
            *position += piece.num_rows() as u64;
            Ok(SourceBatch::contiguous(piece, first))
        })
        .collect()
}
