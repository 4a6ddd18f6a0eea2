//! Which plugins a pipeline uses, and what each is held to: as the file says, before anything is loaded.

use std::path::PathBuf;

use wasmill_sandbox::component::PluginKind;
use wasmill_sandbox::engine::Profile;
use wasmill_sandbox::limits::Limits;

use crate::file::diagnostic::Severity;
use crate::file::reader;
use crate::file::sections::Reality;

use super::graph::Table;
use super::{CheckFailed, Pipeline, plugins};

/// The plugins of a pipeline.
#[derive(Debug, Clone)]
pub struct PluginSteps {
    /// In the order of the file's sections: sources, transforms, validators, sinks, notifiers.
    pub steps: Vec<PluginStep>,
    /// Where plugins are looked for.
    pub folders: Vec<PathBuf>,
}

/// One use of a plugin.
#[derive(Debug, Clone)]
pub struct PluginStep {
    /// The step's name.
    pub name: String,
    /// What kind of plugin its place in the file calls for.
    pub kind: PluginKind,
    pub limits: Limits,
    pub profile: Profile,
    /// The names of the connections that it is granted.
    pub connections: Vec<String>,
    pub real_clocks: bool,
    pub real_randomness: bool,
    /// Whether it may import nothing of WASI.
    pub pure: bool,
}

impl Pipeline {
    /// The plugins that the file uses, and what they are held to.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, as far as it has to be understood for this.
    pub fn plugin_steps(&self) -> Result<PluginSteps, CheckFailed> {
        let mut diagnostics = self.syntax.clone();
        if !diagnostics.is_empty() {
            return Err(CheckFailed(diagnostics));
        }
        let file = reader::read(&self.document, &mut diagnostics);
        let is_error = |severity| severity == Severity::Error;
        let Some(file) = file.filter(|_| !diagnostics.iter().any(|found| is_error(found.severity)))
        else {
            return Err(CheckFailed(diagnostics));
        };
        let steps = plugins::uses(&file).into_iter().map(|(table, name, used)| PluginStep {
            name: name.to_owned(),
            kind: kind(table),
            limits: used.limits.limits(),
            profile: used.profile.profile(),
            connections: used.grants.http.clone(),
            real_clocks: used.grants.clock == Reality::Real,
            real_randomness: used.grants.random == Reality::Real,
            pure: used.grants.pure,
        });
        let folders = file.pipeline.plugins.iter().map(|folder| self.base.join(folder));
        Ok(PluginSteps { steps: steps.collect(), folders: folders.collect() })
    }
}

fn kind(table: Table) -> PluginKind {
    match table {
        Table::Sources => PluginKind::Extractor,
        Table::Transforms => PluginKind::Transformer,
        Table::Validators => PluginKind::Validator,
        Table::Sinks => PluginKind::Loader,
        Table::Notifiers => PluginKind::Notifier,
    }
}
