//! Folders of files: Parquet, CSV, JSON lines.
//!
//! A sink is a folder; each split becomes one file in it. Attempts are staged in the folder `.wasmill/RUN` inside, on
//! the same file system, so that publishing is a rename. **Guarantee**: each row of a committed run is there once,
//! also when the commit was interrupted and repeated. While a commit is under way a reader may see some
//! of its files, and with `mode = "replace"` files of the previous run beside them.
//!
//! ```text
//! 1  look: the target is there, each part is staged or published, nothing else has its name; otherwise nothing is changed
//! 2  list what is older, with `mode = "replace"`
//! 3  rename the parts that are staged still        a crash here: the same again renames the others
//! 4  sync the folder                               from here on the run is published, also after a power failure
//! 5  remove what is older, sync                    a crash here: the same again removes the others
//! ```
//!
//! Step 5 is left out once the run's staging folder is swept: then the commit had come to its end, and what is there besides may
//! be of later runs. So a process that was stopped in between and wakes up late removes nothing of theirs. Only a run without
//! any part has no such folder; its commit removes whatever is there when it begins.
//!
//! A commit compares the sizes of parts, and does not read them. A run that goes on after a crash
//! [verifies](StagedPart::verify) the parts that it keeps.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use arrow::datatypes::SchemaRef;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;

use super::file::{FileFormat, create};
use super::{
    CommitReport, Guarantee, PartName, Publish, Sink, StageWriter, StagedPart, WriteMode, probe,
};
use crate::crash;
use crate::error::{ConnectError, Result};
use crate::files::{create_folder, sync_folder};

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

/// A folder of files.
#[derive(Debug, Clone)]
pub struct FileSink {
    folder: PathBuf,
    mode: WriteMode,
    format: FileFormat,
}

impl FileSink {
    pub fn parquet(config: &ParquetSinkConfig, base: &Path) -> Result<Self> {
        Self::new(&config.path, base, config.mode, FileFormat::Parquet)
    }

    pub fn csv(config: &CsvSinkConfig, base: &Path) -> Result<Self> {
        let delimiter = u8::try_from(config.delimiter).ok().filter(u8::is_ascii);
        let delimiter = delimiter.ok_or_else(|| ConnectError::Config {
            key: "delimiter",
            message: format!("`{}` is not an ASCII character", config.delimiter),
        })?;
        Self::new(&config.path, base, config.mode, FileFormat::Csv { delimiter })
    }

    pub fn jsonl(config: &JsonlSinkConfig, base: &Path) -> Result<Self> {
        Self::new(&config.path, base, config.mode, FileFormat::Jsonl)
    }

    fn new(path: &str, base: &Path, mode: WriteMode, format: FileFormat) -> Result<Self> {
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

    fn publish(&self, run: &str, parts: &[StagedPart], publish: Publish) -> Result<CommitReport> {
        if !self.folder.is_dir() {
            let gone = std::io::Error::from(ErrorKind::NotFound);
            return Err(ConnectError::io("cannot publish: there is no folder", &self.folder)(gone));
        }
        let mut report =
            CommitReport { target: self.target(), rows: 0, bytes: 0, files: Vec::new() };
        let mut staged = Vec::new();
        for part in published_parts(parts, publish) {
            let destination = self.published(run, part);
            if !is_published(part, &destination)? {
                let path = self.find_staged(run, part, &destination)?;
                staged.extend(path.map(|path| (path, destination.clone())));
            }
            report.rows += part.rows;
            report.bytes += part.bytes;
            report.files.push(destination);
        }
        let replaces = self.mode == WriteMode::Replace && publish == Publish::AsConfigured;
        let is_swept = !parts.is_empty() && !self.staging(run).is_dir();
        let older = if replaces && !is_swept { Some(self.older(&report.files)?) } else { None };
        for (path, destination) in staged {
            match std::fs::rename(path, &destination) {
                // Another process commits the same run, and was faster.
                Err(error) if error.kind() == ErrorKind::NotFound && destination.exists() => {}
                renamed => renamed.map_err(ConnectError::io("cannot publish", &destination))?,
            }
            crash::point("mid-commit");
        }
        // The renames are on disk before anything older is removed.
        sync_folder(&self.folder)?;
        if let Some(older) = older {
            crash::point("mid-replace");
            for path in older {
                remove_file(&path)?;
                crash::point("mid-replace");
            }
            sync_folder(&self.folder)?;
        }
        Ok(report)
    }

    /// Where a part that is not published is staged; nowhere where another process has just published it.
    fn find_staged(
        &self,
        run: &str,
        part: &StagedPart,
        destination: &Path,
    ) -> Result<Option<PathBuf>> {
        // Not its path: the folder may have another name by now, seen from where this process is.
        let path = self.staging(run).join(part.path.file_name().unwrap_or_default());
        match std::fs::metadata(&path) {
            Ok(metadata) => part.verify_size(metadata.len()).map(|()| Some(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if is_published(part, destination)? { Ok(None) } else { Err(part.gone()) }
            }
            Err(error) => Err(ConnectError::io("cannot look at", path)(error)),
        }
    }

    /// The files that other runs published, and nothing else, sorted.
    fn older(&self, current: &[PathBuf]) -> Result<Vec<PathBuf>> {
        let mut older = list(&self.folder)?;
        older.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_part = name.starts_with("part-")
                && path.extension().is_some_and(|extension| extension == self.format.extension());
            is_part && !current.contains(path)
        });
        Ok(older)
    }
}

/// The parts that become files, which are those with rows.
fn published_parts(parts: &[StagedPart], publish: Publish) -> impl Iterator<Item = &StagedPart> {
    // Of an empty result one file stays, to show the columns.
    let shows_columns = publish == Publish::AsConfigured && parts.iter().all(|part| part.rows == 0);
    let parts = parts.iter().enumerate();
    parts
        .filter(move |(index, part)| part.rows > 0 || (shows_columns && *index == 0))
        .map(|(_, part)| part)
}

/// Whether the file of a part is there.
fn is_published(part: &StagedPart, destination: &Path) -> Result<bool> {
    match std::fs::metadata(destination) {
        Ok(metadata) if metadata.len() == part.bytes => Ok(true),
        Ok(metadata) => Err(ConnectError::Damaged {
            path: destination.to_owned(),
            message: format!(
                "a file of {} bytes is there, where one of {} is to be published; it is left as it is",
                metadata.len(),
                part.bytes
            ),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ConnectError::io("cannot look at", destination)(error)),
    }
}

/// What is in a folder, sorted; nothing where there is none.
fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let cannot_list = || ConnectError::io("cannot list", folder);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot_list()(error)),
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()).map_err(cannot_list()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Removes a file, unless another process was faster.
fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(ConnectError::io("cannot remove", path)),
    }
}

impl Sink for FileSink {
    fn target(&self) -> String {
        self.folder.display().to_string()
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::FileByFile
    }

    fn replaces(&self) -> bool {
        self.mode == WriteMode::Replace
    }

    fn check(&self, schema: SchemaRef) -> BoxFuture<'_, Result<()>> {
        let check = || {
            self.format.check(&schema)?;
            create_folder(&self.folder)?;
            probe(&self.folder)
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
        let path = self.staging(&part.run).join(name);
        create(path, part.stem.clone(), self.format, schema)
    }

    fn commit<'a>(
        &'a self,
        _schema: SchemaRef,
        run: &'a str,
        parts: &'a [StagedPart],
        publish: Publish,
    ) -> BoxFuture<'a, Result<CommitReport>> {
        async move { self.publish(run, parts, publish) }.boxed()
    }

    fn sweep(&self, run: &str, keep: &[StagedPart]) -> Result<()> {
        let staging = self.staging(run);
        for path in list(&staging)? {
            if !keep.iter().any(|part| part.path.file_name() == path.file_name()) {
                remove_file(&path)?;
                crash::point("mid-sweep");
            }
        }
        if keep.is_empty() {
            remove_folder(&staging)?;
            // Other runs may be staging; then it is not empty, and stays.
            drop(std::fs::remove_dir(self.folder.join(STAGING_FOLDER)));
        }
        Ok(())
    }

    fn staged_runs(&self) -> Result<Vec<String>> {
        let runs = list(&self.folder.join(STAGING_FOLDER))?.into_iter().filter(|run| run.is_dir());
        Ok(runs.filter_map(|run| Some(run.file_name()?.to_string_lossy().into_owned())).collect())
    }
}

/// Removes an empty folder, unless another process was faster.
fn remove_folder(path: &Path) -> Result<()> {
    match std::fs::remove_dir(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(ConnectError::io("cannot remove", path)),
    }
}
