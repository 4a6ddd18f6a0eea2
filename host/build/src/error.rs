//! What can go wrong while a plugin is built.

use std::io;
use std::path::{Path, PathBuf};

use crate::complaint::Complaint;

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(
        "{} holds no project: there is none of Cargo.toml, pyproject.toml, package.json, go.mod and plugin.toml", .path.display()
    )]
    NoProject { path: PathBuf },
    #[error("{}: {message}", .file.display())]
    Manifest { file: PathBuf, message: String },
    #[error("{what} is needed and not there: {hint}")]
    Missing { what: String, hint: String },
    #[error("{what} is not in the cache ({}), and nothing is installed offline: build once with the network", .cache.display())]
    Offline { what: String, cache: PathBuf },
    #[error("{what} cannot be installed from {registry}; is the network there?\n{output}")]
    Install { what: String, registry: &'static str, output: String },
    #[error(transparent)]
    Tool(Box<Complaint>),
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("what the toolchain made is no component: {message}")]
    Component { message: String },
}

impl BuildError {
    /// That a file or folder cannot be read or written.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// That the file that describes the project says something wrong, or too little.
    pub(crate) fn manifest(file: &Path, message: impl Into<String>) -> Self {
        Self::Manifest { file: file.to_owned(), message: message.into() }
    }
}
