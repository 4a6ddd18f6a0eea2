//! Files of a source: found by pattern, opened with whatever compression they have, and known again. And folders that are still
//! there after a power failure.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{ConnectError, Result};

/// How much is read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// One path or several; each may be a glob pattern such as `data/*.csv.gz`. Relative paths are taken from the
/// folder of the pipeline file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Paths {
    One(String),
    Many(Vec<String>),
}

impl Paths {
    fn patterns(&self) -> &[String] {
        match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::Many(patterns) => patterns,
        }
    }
}

/// A file as it was when it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFile {
    pub path: PathBuf,
    pub bytes: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    modified_ns: u64,
}

/// The compression of a file, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

impl FoundFile {
    pub(crate) fn new(path: PathBuf) -> Result<Self> {
        let metadata =
            std::fs::metadata(&path).map_err(ConnectError::io("cannot look at", &path))?;
        let modified = metadata.modified().map_err(ConnectError::io("cannot look at", &path))?;
        let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified_ns = u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self { path, bytes: metadata.len(), modified_ns })
    }

    pub fn compression(&self) -> Compression {
        match self.path.extension().and_then(|extension| extension.to_str()) {
            Some("gz" | "gzip") => Compression::Gzip,
            Some("zst" | "zstd") => Compression::Zstd,
            _ => Compression::None,
        }
    }

    /// Refuses a file that is not the one that was found, going by its size and the time of its last change.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Changed`] says how it was and how it is.
    pub fn check_unchanged(&self) -> Result<()> {
        let what = match Self::new(self.path.clone()) {
            Ok(now) if now == *self => return Ok(()),
            Ok(now) if now.bytes != self.bytes => {
                format!("it had {} bytes, and has {}", self.bytes, now.bytes)
            }
            Ok(_) => format!("it still has {} bytes, and was modified", self.bytes),
            Err(ConnectError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                "it is gone".to_owned()
            }
            Err(error) => return Err(error),
        };
        Err(ConnectError::Changed { path: self.path.clone(), what })
    }

    /// The file itself.
    pub fn open(&self) -> Result<File> {
        File::open(&self.path).map_err(ConnectError::io("cannot open", &self.path))
    }

    /// The content of a range of the file, or of all of it, decompressed. Ranges are of uncompressed files only.
    pub fn reader(&self, range: Option<(u64, u64)>) -> Result<Box<dyn Read + Send>> {
        let mut file = self.open()?;
        let seek = ConnectError::io("cannot seek in", &self.path);
        Ok(match (range, self.compression()) {
            (Some((start, end)), _) => {
                file.seek(SeekFrom::Start(start)).map_err(seek)?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, file.take(end - start)))
            }
            (None, Compression::None) => Box::new(BufReader::with_capacity(BUFFER_BYTES, file)),
            // Concatenated members, as `cat a.gz b.gz` makes them, are all read.
            (None, Compression::Gzip) => {
                let decoder = flate2::read::MultiGzDecoder::new(file);
                Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
            }
            (None, Compression::Zstd) => {
                let decoder = zstd::Decoder::new(file)
                    .map_err(ConnectError::io("cannot decompress", &self.path))?;
                Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder))
            }
        })
    }
}

/// The pattern that only the file of this path matches, whatever characters are in it.
pub fn literal_pattern(path: &str) -> String {
    glob::Pattern::escape(path)
}

/// The files that match, in the order of the patterns and of their names.
///
/// # Errors
///
/// [`ConnectError::NoFiles`] for a pattern that nothing matches: an empty source is mostly a mistake.
pub fn find(paths: &Paths, base: &Path) -> Result<Vec<FoundFile>> {
    let mut found = Vec::new();
    for pattern in paths.patterns() {
        let pattern = base.join(pattern);
        let pattern = pattern.to_string_lossy();
        let matches = glob::glob(&pattern).map_err(|error| ConnectError::Config {
            key: "path",
            message: format!("`{pattern}` is no pattern: {error}"),
        })?;
        let before = found.len();
        for path in matches {
            let path = path.map_err(|error| ConnectError::Io {
                action: "cannot look at",
                path: error.path().to_owned(),
                source: error.into(),
            })?;
            if path.is_file() {
                found.push(FoundFile::new(path)?);
            }
        }
        if found.len() == before {
            return Err(ConnectError::NoFiles { pattern: pattern.into_owned() });
        }
    }
    Ok(found)
}

/// Creates a folder and those above it, where they are missing, so that they are there after a power failure too.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
    let created: Vec<&Path> = folder.ancestors().take_while(missing).collect();
    // Whoever sweeps removes folders that are empty, also between the creation of one and of the next in it.
    const TIMES: usize = 10;
    let mut ended = Ok(());
    for _ in 0..TIMES {
        ended = std::fs::create_dir_all(folder);
        match &ended {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            _ => break,
        }
    }
    ended.map_err(ConnectError::io("cannot create", folder))?;
    created.into_iter().filter_map(Path::parent).try_for_each(sync_folder)
}

/// Brings the names of the files in a folder to disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    // The parent of `name` is the folder in which the process is.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(ConnectError::io("cannot write", folder))
}
