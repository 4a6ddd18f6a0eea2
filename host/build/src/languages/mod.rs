//! How each language becomes a component.

mod c;
mod go;
mod js;
mod rust;

use crate::{BuildError, Language, Project, Tools};

/// The component of a project.
pub(crate) fn build(project: &Project, tools: &Tools<'_>) -> Result<Vec<u8>, BuildError> {
    match project.language {
        Language::C => c::build(project, tools),
        Language::Go => go::build(project, tools),
        Language::Js => js::build(project, tools),
        Language::Rust => rust::build(project, tools),
        language => {
            Err(BuildError::manifest(&project.manifest, format!("{language} is not there yet")))
        }
    }
}
