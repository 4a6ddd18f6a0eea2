//! The whole life of a plugin, one kind a file: all that a pipeline would ask of it, in that order, until it faults.
//!
//! What comes back is looked at as a pipeline would look at it: texts must be printable, values must have a written form or be
//! refused one.

mod extractor;
mod loader;
mod notifier;
mod transformer;
mod validator;

use wasmill_sandbox::component::{Plugin, PluginKind};
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::{Descriptor, Environment};

use crate::attack::Ended;
use crate::printable;

/// How many instances a life takes at most: some exports are called on a fresh one.
pub const INSTANCES: u64 = 6;

/// Why a life ended before its end.
pub enum Death {
    /// As attacks should end.
    Ended(Ended),
    /// By something that the host let through and should not have.
    LetThrough(String),
}

impl From<Fault> for Death {
    fn from(fault: Fault) -> Self {
        Self::Ended(Ended::fault(&fault))
    }
}

impl From<String> for Death {
    fn from(problem: String) -> Self {
        Self::LetThrough(problem)
    }
}

/// Lives to the end, or dies.
pub async fn live(plugin: &Plugin, environment: Environment) -> Result<(), Death> {
    match plugin.kind() {
        PluginKind::Extractor => extractor::live(plugin, environment).await,
        PluginKind::Transformer => transformer::live(plugin, environment).await,
        PluginKind::Validator => validator::live(plugin, environment).await,
        PluginKind::Loader => loader::live(plugin, environment).await,
        PluginKind::Notifier => notifier::live(plugin, environment).await,
    }
}

fn linked<T>(linked: Result<T, wasmill_sandbox::component::LinkError>) -> Result<T, Death> {
    linked.map_err(|error| Death::Ended(Ended::not_linked(&error)))
}

fn described(descriptor: &Descriptor) -> Result<(), String> {
    printable::check("its name", &descriptor.name)?;
    printable::check("its version", &descriptor.version)?;
    printable::check("its summary", &descriptor.summary)
}

fn found(findings: &[Finding]) -> Result<(), String> {
    for finding in findings {
        printable::check("a rule", &finding.rule)?;
        printable::check("a column", finding.column.as_deref().unwrap_or_default())?;
        printable::check("a message", &finding.message)?;
    }
    Ok(())
}
