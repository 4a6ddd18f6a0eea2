//! Makes projects of plugins: of each kind, in each language, small and real, with cases that `wasmill test` runs.
//!
//! ```text
//!   name ──┐
//!   kind ──┼─▶ files: templates, one layer over the other, with the name in them ──▶ folder: all of it, or nothing
//!   form ──┘     files.rs                                                              folder.rs
//!   (language)
//! ```
//!
//! Templates are files under `templates`, as they will be but for a few words: [`files`] lists them. Plugins of one kind do the same in
//! each language, so they share their cases and what their README says of pipelines.

pub mod error;
pub mod files;
mod folder;
pub mod name;

pub use error::ScaffoldError;
pub use files::File;
pub use folder::{create, is_free};
pub use name::Name;
pub use wasmill_build::Kind;

/// Whether plugins of this kind send HTTP here.
fn sends_http(kind: Kind) -> bool {
    matches!(kind, Kind::Extractor | Kind::Loader | Kind::Notifier)
}

/// What a project is written in, and what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Rust,
    /// With a `pyproject.toml`.
    Python,
    /// Python in one file, whose first lines say what it is.
    PythonScript,
    JavaScript,
    TypeScript,
    C,
    Go,
}

impl Form {
    pub const ALL: [Self; 7] = [
        Self::Rust,
        Self::Python,
        Self::PythonScript,
        Self::JavaScript,
        Self::TypeScript,
        Self::C,
        Self::Go,
    ];

    /// The name that people use for the language.
    pub fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python | Self::PythonScript => "Python",
            Self::JavaScript => "JavaScript",
            Self::TypeScript => "TypeScript",
            Self::C => "C",
            Self::Go => "Go",
        }
    }

    /// Under which folder of the templates the language is.
    fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python | Self::PythonScript => "python",
            Self::JavaScript => "js",
            Self::TypeScript => "ts",
            Self::C => "c",
            Self::Go => "go",
        }
    }
}

/// A project to be made.
#[derive(Debug, Clone)]
pub struct Project {
    pub name: Name,
    pub kind: Kind,
    pub form: Form,
}

impl Project {
    /// What `wasmill build` and `wasmill test` are given, from within the project's folder.
    pub fn source(&self) -> String {
        match self.form {
            Form::PythonScript => format!("{}.py", self.name.module(self.form)),
            _ => ".".to_owned(),
        }
    }
}
