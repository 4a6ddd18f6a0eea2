//! The file of a cassette: an Arrow IPC file, one record batch for each call, with everything else as JSON in the metadata of
//! its schema, so that any Arrow tool opens the rows.
//!
//! | Where | What |
//! |---|---|
//! | metadata `wasmill.cassette` | [`Header`] as JSON |
//! | columns | all columns of the step's input, those included that never cross |
//! | last column `__wasmill_row` | the position of each row in the split, null where it has none |

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use serde_json::Value;
use wasmill_sandbox::component::{Digest, PluginKind};

use crate::cassette::header::Header;
use crate::exec::rows::{Numbered, ROW, with_row};

/// The version of the format that is written, and the only one that is read.
pub const FORMAT: u32 = 1;
/// The key of the schema's metadata.
pub const METADATA: &str = "wasmill.cassette";
/// How the name of a cassette ends.
pub const EXTENSION: &str = "cassette";

/// Why a file is no cassette that can be used.
#[derive(Debug, thiserror::Error)]
pub enum CassetteError {
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is no cassette, or only a part of one: {message}", path.display())]
    Unreadable { path: PathBuf, message: String },
    #[error(
        "{} is a cassette of format {format}; this wasmill {} reads format {FORMAT}",
        path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    Format { path: PathBuf, format: u64 },
    #[error("{} was changed or damaged: {message}", path.display())]
    Damaged { path: PathBuf, message: String },
    #[error("the rows cannot be written as Arrow IPC: {0}")]
    Rows(#[from] ArrowError),
}

/// Calls into a plugin, with all that they depend on, and what came of them.
#[derive(Debug, Clone)]
pub struct Cassette {
    pub header: Header,
    /// The columns of the step's input.
    pub(crate) input: SchemaRef,
    /// The rows of each call, in order; none for a call that takes no rows.
    pub(crate) rows: Vec<Option<Arc<Numbered>>>,
}

impl Cassette {
    /// A cassette of these calls. Whatever `header` says of rows is put right.
    ///
    /// The rows are brought to the form that they have when they are read from the file again: what a plugin is passed, to the
    /// byte, depends on it.
    pub(crate) fn new(
        header: Header,
        input: &SchemaRef,
        rows: Vec<Option<Arc<Numbered>>>,
    ) -> Result<Self, CassetteError> {
        let made = Self { header, input: Arc::clone(input), rows };
        let mut bytes = Vec::new();
        write_rows(&mut bytes, &made.batches()?, &with_row(input))?;
        let (_, batches) = read_rows(bytes)?;
        made.with_batches(batches)
    }

    /// Puts batches in the place of the rows of calls that have some.
    fn with_batches(mut self, batches: Vec<RecordBatch>) -> Result<Self, CassetteError> {
        let mut batches = batches.into_iter();
        for (rows, call) in self.rows.iter_mut().zip(&mut self.header.calls) {
            if rows.is_none() {
                continue;
            }
            let batch = batches.next().ok_or_else(|| {
                ArrowError::InvalidArgumentError("a call has no record batch".to_owned())
            })?;
            call.rows = batch.num_rows();
            *rows = Some(Arc::new(Numbered::detach(&batch, &self.input)?));
        }
        self.header.rows = digest(&self.batches()?, &with_row(&self.input))?;
        Ok(self)
    }

    /// The rows of all calls that have some, with their positions.
    fn batches(&self) -> Result<Vec<RecordBatch>, ArrowError> {
        let schema = with_row(&self.input);
        let attached = self.rows.iter().flatten().map(|rows| {
            let whole = rows.slice(&(0..rows.batch.num_rows()));
            whole.attach(&schema)
        });
        let batches = attached.collect::<Result<Vec<_>, _>>()?;
        if batches.len() < 2 {
            return Ok(batches);
        }
        // A file holds one dictionary for each column, so all batches are made parts of one.
        let all = concat_batches(&schema, &batches)?;
        let mut first = 0;
        let parts = batches.iter().map(|batch| {
            let part = all.slice(first, batch.num_rows());
            first += batch.num_rows();
            part
        });
        Ok(parts.collect())
    }

    /// Writes the file; under another name until it is whole.
    pub fn write(&self, path: &Path) -> Result<(), CassetteError> {
        let json = serde_json::to_string(&self.header).expect("a header is plain data");
        let mut schema = Schema::clone(&with_row(&self.input));
        schema.metadata.clone_from(&self.input.metadata);
        schema.metadata.insert(METADATA.to_owned(), json);
        let mut bytes = Vec::new();
        write_rows(&mut bytes, &self.batches()?, &Arc::new(schema))?;
        write_whole(path, &bytes)
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self, CassetteError> {
        let bytes = std::fs::read(path).map_err(|source| CassetteError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        let unreadable =
            |message: String| CassetteError::Unreadable { path: path.to_owned(), message };
        // Arrow checks what it reads, but not all of it before it is used.
        let read = std::panic::catch_unwind(|| read_rows(bytes));
        let (schema, batches) = read
            .map_err(|_| unreadable("its records make no sense".to_owned()))?
            .map_err(|error| unreadable(error.to_string()))?;
        let json = schema.metadata.get(METADATA).ok_or_else(|| {
            unreadable(format!("it is an Arrow file without the metadata `{METADATA}`"))
        })?;
        let value: Value =
            serde_json::from_str(json).map_err(|error| unreadable(error.to_string()))?;
        let format = value["format"].as_u64().unwrap_or(0);
        if format != u64::from(FORMAT) {
            return Err(CassetteError::Format { path: path.to_owned(), format });
        }
        let header: Header =
            serde_json::from_value(value).map_err(|error| unreadable(error.to_string()))?;
        Self::assembled(path, header, &schema, batches)
    }

    fn assembled(
        path: &Path,
        header: Header,
        schema: &Schema,
        batches: Vec<RecordBatch>,
    ) -> Result<Self, CassetteError> {
        let damaged = |message: &str| CassetteError::Damaged {
            path: path.to_owned(),
            message: message.to_owned(),
        };
        let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
        if fields.pop().is_none_or(|field| field.name() != ROW) {
            return Err(damaged("the positions of the rows are missing"));
        }
        let mut metadata = schema.metadata.clone();
        metadata.remove(METADATA);
        let input = Arc::new(Schema::new_with_metadata(fields, metadata));
        let takes_rows: Vec<bool> =
            header.calls.iter().map(|call| call.export != super::performance::FINISH).collect();
        let numbers = header.calls.iter().zip(&takes_rows).filter(|(_, takes)| **takes);
        if !numbers.map(|(call, _)| call.rows).eq(batches.iter().map(RecordBatch::num_rows)) {
            return Err(damaged("the calls have other numbers of rows"));
        }
        let plays = match header.plugin_kind() {
            Some(PluginKind::Transformer) => true,
            Some(PluginKind::Validator) => takes_rows.iter().all(|takes| *takes),
            _ => false,
        };
        if !plays || header.plugin_profile().is_none() {
            return Err(damaged("it is of no kind of plugin that has such calls"));
        }
        let recorded = header.rows.clone();
        let empty = Arc::new(Numbered::empty(&input));
        let rows = takes_rows.iter().map(|takes| takes.then(|| Arc::clone(&empty))).collect();
        let cassette = Self { header, input, rows }.with_batches(batches)?;
        if cassette.header.rows != recorded {
            return Err(damaged("the rows are not those that were recorded"));
        }
        Ok(cassette)
    }

    /// How many rows all calls have.
    pub fn row_count(&self) -> usize {
        self.header.calls.iter().map(|call| call.rows).sum()
    }
}

/// The name of the file that holds a component.
pub(crate) fn component_file(digest: &str) -> String {
    format!("{}.wasm", digest.trim_start_matches("sha256:"))
}

/// Writes a file that is either whole or not there.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CassetteError> {
    let io = |action| {
        let path = path.to_owned();
        move |source| CassetteError::Io { action, path, source }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io("make the folder of"))?;
    }
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let partial = path.with_extension(format!("{unique}.partial"));
    std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, path)).map_err(
        |source| {
            // What is left of it helps nobody; that it cannot be removed is no second error.
            drop(std::fs::remove_file(&partial));
            io("write")(source)
        },
    )
}

fn write_rows(
    bytes: &mut Vec<u8>,
    batches: &[RecordBatch],
    schema: &SchemaRef,
) -> Result<(), ArrowError> {
    let options =
        IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = FileWriter::try_new_with_options(bytes, schema, options)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()
}

fn read_rows(bytes: Vec<u8>) -> Result<(SchemaRef, Vec<RecordBatch>), ArrowError> {
    let reader = FileReader::try_new(Cursor::new(bytes), None)?;
    let schema = reader.schema();
    Ok((schema, reader.collect::<Result<Vec<_>, _>>()?))
}

/// The SHA-256 of batches, as an IPC stream without compression.
pub(super) fn digest(batches: &[RecordBatch], schema: &SchemaRef) -> Result<String, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    Ok(Digest::of(writer.get_ref()).to_string())
}
