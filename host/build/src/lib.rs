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
pub mod contract;
pub mod embedded;
pub mod error;
pub mod kernels;
mod languages;
pub mod local;
pub mod project;
mod reference;
pub mod tools;

use std::path::PathBuf;

pub use error::BuildError;
pub use languages::go::toolchain as go;
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
    pub language: Language,
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
    local::renew(&project.folder, project.language)?;
    let (component, interpreter) = languages::build(&project, tools)?;
    let component = component::described(&component, &project)?;
    Ok(Built { project, component, interpreter })
}

/// Where interpreters are put for all scripts of this user: `LANGUAGE-DIGITS.wasm`, with the first twelve digits of the digest.
pub fn default_interpreters() -> Option<PathBuf> {
    Some(cache_folder()?.join("wasmill/interpreters"))
}

impl Interpreter {
    /// Puts it into a folder, unless it is there.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn put_into(&self, folder: &std::path::Path) -> Result<PathBuf, BuildError> {
        let file = folder.join(self.file_name());
        let is_there = |present: std::fs::Metadata| present.len() == self.component.len() as u64;
        if !std::fs::metadata(&file).is_ok_and(is_there) {
            std::fs::create_dir_all(folder).map_err(BuildError::io(folder))?;
            // Renamed, so that whoever starts meanwhile reads all of it.
            let unfinished = file.with_extension(format!("{}.unfinished", std::process::id()));
            std::fs::write(&unfinished, &self.component)
                .and_then(|()| std::fs::rename(&unfinished, &file))
                .map_err(BuildError::io(&file))?;
        }
        Ok(file)
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        let digits = self.digest.trim_start_matches("sha256:");
        format!("{}-{}.wasm", self.language.name(), &digits[..12])
    }
}

/// Where toolchains are kept where nothing else is said.
pub fn default_cache() -> Option<PathBuf> {
    Some(cache_folder()?.join("wasmill/tools"))
}

fn cache_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")))
}
