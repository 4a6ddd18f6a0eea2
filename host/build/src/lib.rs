//! Makes plugins of projects, whatever their language.
//!
//! ```text
//!   a folder ──▶ project: language, name, kind ──▶ languages: the toolchain makes a core module or a component
//!                  project.rs                        languages/*.rs, tools.rs
//!                                              ──▶ component: adapted, stripped, described
//!                                                    component.rs
//! ```
//!
//! Toolchains that are not on the machine come from the registries of their languages, in pinned versions, into a cache
//! ([`tools`]); the SDKs and `wit/` are in the program itself ([`embedded`]). So once a language has been built, the network is not
//! needed any more. What a toolchain complains about is shown with the lines of the project that it names ([`complaint`]).

pub mod complaint;
pub mod component;
pub mod embedded;
pub mod error;
mod languages;
pub mod project;
pub mod tools;

use std::path::PathBuf;

pub use error::BuildError;
pub use languages::python::{SCRIPT_SECTION, interpreter as python_interpreter};
pub use project::{Kind, Language, Project};
pub use tools::Tools;

/// What was made.
#[derive(Debug)]
pub struct Built {
    pub project: Project,
    /// The component.
    pub component: Vec<u8>,
    /// What the component runs in, where it is a script: the host needs both.
    pub interpreter: Option<Interpreter>,
}

/// A component that runs scripts, in the cache.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// `sha256:` and the digest in hexadecimal, as scripts name it.
    pub digest: String,
    pub file: PathBuf,
    pub component: Vec<u8>,
}

/// Is told what is being done, in a few words: a toolchain that is installed, a tool that runs.
pub trait Report: Sync {
    fn step(&self, text: &str);
}

impl Report for () {
    fn step(&self, _text: &str) {}
}

/// Builds the project in a folder, or the plugin that is one file.
///
/// # Errors
///
/// When there is no project, it does not say what it has to, a toolchain is missing and cannot be installed, or the toolchain
/// refuses the project.
pub fn build(
    path: &std::path::Path,
    language: Option<Language>,
    tools: &Tools<'_>,
) -> Result<Built, BuildError> {
    let project = Project::find(path, language)?;
    let (component, interpreter) = languages::build(&project, tools)?;
    let component = component::described(&component, &project)?;
    Ok(Built { project, component, interpreter })
}

/// Where toolchains are kept where nothing else is said.
pub fn default_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
    Some(base.join("wasmill/tools"))
}
