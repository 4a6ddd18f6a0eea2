//! How each language becomes a component.

mod c;
pub(crate) mod go;
mod js;
mod python;
mod rust;

use crate::{BuildError, Interpreter, Language, Project, Tools};

/// The component of a project, and the interpreter where it needs one.
pub(crate) fn build(
    project: &Project,
    tools: &Tools<'_>,
) -> Result<(Vec<u8>, Option<Interpreter>), BuildError> {
    let component = match project.language {
        Language::Python => return python::build(project, tools),
        Language::C => c::build(project, tools),
        Language::Go => go::build(project, tools),
        Language::Js => js::build(project, tools),
        Language::Rust => rust::build(project, tools),
    };
    Ok((component?, None))
}
