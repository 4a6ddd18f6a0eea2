//! How each language becomes a component.

pub(crate) mod python;
mod rust;

use crate::{BuildError, Interpreter, Language, Project, Tools};

/// The component of a project, and the interpreter where it needs one.
pub(crate) fn build(
    project: &Project,
    tools: &Tools<'_>,
) -> Result<(Vec<u8>, Option<Interpreter>), BuildError> {
    match project.language {
        Language::Rust => rust::build(project, tools).map(|component| (component, None)),
        Language::Python => python::build(project, tools),
        language => {
            Err(BuildError::manifest(&project.manifest, format!("{language} is not there yet")))
        }
    }
}
