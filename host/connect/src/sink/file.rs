//! Writing rows to one file, in any of the formats of a folder of files. A file that is not finished is removed; one that is
//! there is never written over.

use std::io::Write as _;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::json::LineDelimitedWriter;

use super::hashed_file::HashedFile;
use super::parquet_file::ParquetFile;
use super::{Rejection, StageWriter, StagedPart};
use crate::error::{ConnectError, Result};

/// The format of a file of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Compressed with zstd.
    Parquet,
    /// With a header; nulls are empty fields.
    Csv { delimiter: u8 },
    /// One JSON object a line; nulls are left out.
    Jsonl,
}

impl FileFormat {
    /// What names of files end with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv { .. } => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// Whether rows of this schema can be written.
    ///
    /// # Errors
    ///
    /// Names the first column that cannot.
    pub fn check(self, schema: &Schema) -> Result<()> {
        let nested = schema.fields().iter().find(|field| is_nested(field.data_type()));
        match (self, nested) {
            (Self::Csv { .. }, Some(nested)) => Err(ConnectError::Config {
                key: "type",
                message: format!(
                    "column `{}` is a {}, which CSV cannot hold",
                    nested.name(),
                    nested.data_type()
                ),
            }),
            _ => Ok(()),
        }
    }
}

fn is_nested(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_nested(values),
        other => other.is_nested(),
    }
}

/// Begins a file of rows, which must not be there. `stem` is what its [`StagedPart`] is called.
///
/// # Errors
///
/// When the file is there, or cannot be created.
pub fn create(
    path: PathBuf,
    stem: String,
    format: FileFormat,
    schema: SchemaRef,
) -> Result<Box<dyn StageWriter>> {
    let file = HashedFile::create(path)?;
    let path = file.path().to_owned();
    let writer = match format {
        FileFormat::Parquet => FormatWriter::Parquet(Box::new(ParquetFile::new(file, schema))),
        FileFormat::Csv { delimiter } => {
            let mut writer = arrow::csv::WriterBuilder::new().with_delimiter(delimiter).build(file);
            // The header is there even when no row is.
            writer.write(&RecordBatch::new_empty(schema)).map_err(ConnectError::arrow(&path))?;
            FormatWriter::Csv(Box::new(writer))
        }
        FileFormat::Jsonl => FormatWriter::Jsonl(Box::new(LineDelimitedWriter::new(file))),
    };
    Ok(Box::new(FileStageWriter { stem, path, writer, rows: 0 }))
}

enum FormatWriter {
    Parquet(Box<ParquetFile<HashedFile>>),
    Csv(Box<arrow::csv::Writer<HashedFile>>),
    Jsonl(Box<LineDelimitedWriter<HashedFile>>),
}

struct FileStageWriter {
    stem: String,
    path: PathBuf,
    writer: FormatWriter,
    rows: u64,
}

impl StageWriter for FileStageWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<Rejection>> {
        match &mut self.writer {
            FormatWriter::Parquet(writer) => {
                writer.write(batch).map_err(ConnectError::parquet(&self.path))?;
            }
            FormatWriter::Csv(writer) => {
                writer.write(batch).map_err(ConnectError::arrow(&self.path))?;
            }
            FormatWriter::Jsonl(writer) => {
                writer.write(batch).map_err(ConnectError::arrow(&self.path))?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>) -> Result<StagedPart> {
        let mut file = match self.writer {
            FormatWriter::Parquet(writer) => {
                writer.finish().map_err(ConnectError::parquet(&self.path))?
            }
            FormatWriter::Csv(writer) => writer.into_inner(),
            FormatWriter::Jsonl(mut writer) => {
                writer.finish().map_err(ConnectError::arrow(&self.path))?;
                writer.into_inner()
            }
        };
        file.flush().map_err(ConnectError::io("cannot write", &self.path))?;
        file.finish(self.stem, self.rows)
    }
}
