//! Why there is no project.

use std::io;
use std::path::{Path, PathBuf};

/// Why a project was not made. Nothing of it is there then.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    #[error(
        "`{name}` is no name of a plugin: {why}; a name has up to {} lower-case letters, digits and single hyphens, and begins with \
         a letter, such as `gross-price`",
        crate::name::LONGEST
    )]
    Name { name: String, why: &'static str },

    #[error("{path} is there already, and it is not empty: nothing was changed", path = path.display())]
    Occupied { path: PathBuf },

    #[error("cannot write {path}: {source}", path = path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl ScaffoldError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
