//! Folders of files: Parquet, CSV, JSON lines.
//!
//! A sink is a folder; each split becomes one file in it. Attempts are staged in the folder `.wasmill` inside, on
//! the same file system, so that publishing is a rename. **Guarantee**: each row of a committed run is there once,
//! also when the commit was interrupted and repeated. While a commit is under way a reader may see some
//! of its files, and with `mode = "replace"` files of the previous run beside them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::json::LineDelimitedWriter;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::hashed_file::HashedFile;
use super::parquet_file::ParquetFile;
use super::{CommitReport, PartName, Rejection, Sink, StageWriter, StagedPart, WriteMode};
use crate::error::{ConnectError, Result};

/// The folder inside the target in which attempts are staged; readers pass over names that begin with a dot.
const STAGING_FOLDER: &str = ".wasmill";

/// A folder of Parquet files, compressed with zstd.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParquetSinkConfig {
    /// The folder; created where there is none.
    pub path: String,
    /// What happens to the files of earlier runs. Default: `replace`.
    #[serde(default = "default_mode")]
    pub mode: WriteMode,
}

/// A folder of CSV files with headers; nulls are empty fields.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CsvSinkConfig {
    /// The folder; created where there is none.
    pub path: String,
    /// What happens to the files of earlier runs. Default: `replace`.
    #[serde(default = "default_mode")]
    pub mode: WriteMode,
    /// What separates fields. Default: `,`.
    #[serde(default = "default_delimiter")]
    pub delimiter: char,
}

/// A folder of files with one JSON object a line; nulls are left out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonlSinkConfig {
    /// The folder; created where there is none.
    pub path: String,
    /// What happens to the files of earlier runs. Default: `replace`.
    #[serde(default = "default_mode")]
    pub mode: WriteMode,
}

fn default_mode() -> WriteMode {
    WriteMode::Replace
}

fn default_delimiter() -> char {
    ','
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv { delimiter: u8 },
    Jsonl,
}

impl Format {
    fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv { .. } => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// A folder of files.
#[derive(Debug, Clone)]
pub struct FileSink {
    folder: PathBuf,
    mode: WriteMode,
    format: Format,
}

impl FileSink {
    pub fn parquet(config: &ParquetSinkConfig, base: &Path) -> Result<Self> {
        Self::new(&config.path, base, config.mode, Format::Parquet)
    }

    pub fn csv(config: &CsvSinkConfig, base: &Path) -> Result<Self> {
        let delimiter = u8::try_from(config.delimiter).ok().filter(u8::is_ascii);
        let delimiter = delimiter.ok_or_else(|| ConnectError::Config {
            key: "delimiter",
            message: format!("`{}` is not an ASCII character", config.delimiter),
        })?;
        Self::new(&config.path, base, config.mode, Format::Csv { delimiter })
    }

    pub fn jsonl(config: &JsonlSinkConfig, base: &Path) -> Result<Self> {
        Self::new(&config.path, base, config.mode, Format::Jsonl)
    }

    fn new(path: &str, base: &Path, mode: WriteMode, format: Format) -> Result<Self> {
        let folder = base.join(path);
        if folder.extension().is_some_and(|extension| extension == format.extension()) {
            let message = format!(
                "`{path}` looks like a file; a sink is a folder with one file for each split, such as `{}`",
                folder.with_extension("").file_name().unwrap_or_default().to_string_lossy()
            );
            return Err(ConnectError::Config { key: "path", message });
        }
        Ok(Self { folder, mode, format })
    }

    fn staging(&self, run: &str) -> PathBuf {
        self.folder.join(STAGING_FOLDER).join(run)
    }

    fn published(&self, run: &str, part: &StagedPart) -> PathBuf {
        self.folder.join(format!("part-{run}-{}.{}", part.stem, self.format.extension()))
    }

    fn publish(&self, run: &str, parts: &[StagedPart]) -> Result<CommitReport> {
        let mut report =
            CommitReport { target: self.target(), rows: 0, bytes: 0, files: Vec::new() };
        // Of an empty result one file stays, to show the columns.
        let all_empty = parts.iter().all(|part| part.rows == 0);
        let published = parts
            .iter()
            .enumerate()
            .filter(|(index, part)| part.rows > 0 || (all_empty && *index == 0));
        for (_, part) in published {
            let destination = self.published(run, part);
            if !destination.exists() {
                std::fs::rename(&part.path, &destination)
                    .map_err(ConnectError::io("cannot publish", &destination))?;
            }
            report.rows += part.rows;
            report.bytes += part.bytes;
            report.files.push(destination);
        }
        // The renames are on disk before anything older is removed.
        std::fs::File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(ConnectError::io("cannot write", &self.folder))?;
        if self.mode == WriteMode::Replace {
            self.remove_older(&report.files)?;
        }
        Ok(report)
    }

    /// Removes the files that earlier runs published, and nothing else.
    fn remove_older(&self, current: &[PathBuf]) -> Result<()> {
        let list = ConnectError::io("cannot list", &self.folder);
        for entry in std::fs::read_dir(&self.folder).map_err(list)? {
            let path = entry.map_err(ConnectError::io("cannot list", &self.folder))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_part = name.starts_with("part-")
                && path.extension().is_some_and(|extension| extension == self.format.extension());
            if is_part && !current.contains(&path) {
                std::fs::remove_file(&path).map_err(ConnectError::io("cannot remove", &path))?;
            }
        }
        Ok(())
    }
}

impl Sink for FileSink {
    fn target(&self) -> String {
        self.folder.display().to_string()
    }

    fn check(&self, schema: SchemaRef) -> BoxFuture<'_, Result<()>> {
        let check = || {
            if let Format::Csv { .. } = self.format
                && let Some(nested) =
                    schema.fields().iter().find(|field| is_nested(field.data_type()))
            {
                let message = format!(
                    "column `{}` is a {}, which CSV cannot hold",
                    nested.name(),
                    nested.data_type()
                );
                return Err(ConnectError::Config { key: "type", message });
            }
            let staging = self.folder.join(STAGING_FOLDER);
            std::fs::create_dir_all(&staging)
                .map_err(ConnectError::io("cannot create", &staging))?;
            let probe = staging.join("probe");
            std::fs::write(&probe, b"")
                .map_err(ConnectError::io("cannot write to", &self.folder))?;
            std::fs::remove_file(&probe).map_err(ConnectError::io("cannot write to", &self.folder))
        };
        futures::future::ready(check()).boxed()
    }

    fn stage(
        &self,
        schema: SchemaRef,
        part: &PartName,
        _scratch: &Path,
    ) -> Result<Box<dyn StageWriter>> {
        let name = format!("{}-{}.{}", part.stem, part.attempt, self.format.extension());
        let file = HashedFile::create(self.staging(&part.run).join(name))?;
        let path = file.path().to_owned();
        let writer = match self.format {
            Format::Parquet => FormatWriter::Parquet(Box::new(ParquetFile::new(file, schema))),
            Format::Csv { delimiter } => {
                let mut writer =
                    arrow::csv::WriterBuilder::new().with_delimiter(delimiter).build(file);
                // The header is there even when no row is.
                writer
                    .write(&RecordBatch::new_empty(schema))
                    .map_err(ConnectError::arrow(&path))?;
                FormatWriter::Csv(Box::new(writer))
            }
            Format::Jsonl => FormatWriter::Jsonl(Box::new(LineDelimitedWriter::new(file))),
        };
        Ok(Box::new(FileStageWriter { stem: part.stem.clone(), path, writer, rows: 0 }))
    }

    fn commit<'a>(
        &'a self,
        _schema: SchemaRef,
        run: &'a str,
        parts: &'a [StagedPart],
    ) -> BoxFuture<'a, Result<CommitReport>> {
        futures::future::ready(self.publish(run, parts)).boxed()
    }

    fn sweep(&self, run: &str) -> Result<()> {
        let staging = self.staging(run);
        match std::fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ConnectError::Io {
                    action: "cannot remove",
                    path: staging,
                    source: error,
                });
            }
            _ => {}
        }
        // Other runs may be staging; then it is not empty, and stays.
        drop(std::fs::remove_dir(self.folder.join(STAGING_FOLDER)));
        Ok(())
    }
}

fn is_nested(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_nested(values),
        other => other.is_nested(),
    }
}

enum FormatWriter {
    Parquet(Box<ParquetFile>),
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
