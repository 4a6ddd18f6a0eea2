//! The components that a pipeline file names: found, loaded and compiled, each once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::component::{Digest, Plugin};
use wasmill_sandbox::engine::{EngineError, Profile, Sandbox, SandboxOptions};

use crate::file::diagnostic::{Diagnostic, nearest};
use crate::file::document::Document;
use crate::file::sections::{PipelineFile, PluginUse, SinkKind, SourceKind, TransformKind};

use super::graph::Table;

/// How many components are compiled at once; each takes all cores for a while.
const COMPILED_AT_ONCE: usize = 2;
/// Instances beyond those that steps keep warm: for checks, merges and commits.
const SPARE_INSTANCES: u32 = 16;

/// What decides which compiled component is meant: what the file calls it, and what stops it.
type Key = (String, Profile);

/// All plugins of a pipeline.
pub(super) struct Plugins {
    plugins: BTreeMap<Key, Plugin>,
    /// Where each was found.
    files: BTreeMap<Key, PathBuf>,
}

impl Plugins {
    /// Loads what the file names. What cannot be loaded is reported at each place that names it, and left out.
    pub(super) async fn load(
        file: &PipelineFile,
        document: &Document,
        base: &Path,
        compiler: &Compiler,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let uses = uses(file);
        let sandboxes = match sandboxes(file, &uses, compiler) {
            Ok(sandboxes) => sandboxes,
            Err(error) => {
                let message = format!("the sandbox cannot start: {}", crate::error::chain(&error));
                diagnostics.push(Diagnostic::error(message));
                return Self { plugins: BTreeMap::new(), files: BTreeMap::new() };
            }
        };
        // Each once, whatever the number of steps that use it.
        let keys: BTreeMap<Key, &Sandbox> = uses
            .iter()
            .map(|(_, _, used)| (key(used), &sandboxes[&used.profile.profile()]))
            .collect();
        let loaded: Vec<(Key, Result<Plugin, Diagnostic>)> = futures::stream::iter(keys)
            .map(|(key, sandbox)| async {
                let loaded = load(sandbox, &key.0, &file.pipeline.plugins, base).await;
                (key, loaded)
            })
            .buffer_unordered(COMPILED_AT_ONCE)
            .collect()
            .await;
        let mut plugins = BTreeMap::new();
        let mut failed = BTreeMap::new();
        for (key, result) in loaded {
            match result {
                Ok(plugin) => drop(plugins.insert(key, plugin)),
                Err(diagnostic) => drop(failed.insert(key, diagnostic)),
            }
        }
        for (table, name, used) in &uses {
            if let Some(diagnostic) = failed.get(&key(used)) {
                let place = document.value_place(&format!("{}/plugin", table.pointer(name)));
                diagnostics.push(diagnostic.clone().at(place));
            }
        }
        let folders = &file.pipeline.plugins;
        let file = |key: &Key| Some((key.clone(), find(&key.0, folders, base).ok()?));
        let files = plugins.keys().filter_map(file).collect();
        Self { plugins, files }
    }

    /// The file of a plugin that was loaded.
    pub(super) fn file(&self, used: &PluginUse) -> Option<&Path> {
        self.files.get(&key(used)).map(PathBuf::as_path)
    }

    pub(super) fn get(&self, used: &PluginUse) -> Option<&Plugin> {
        self.plugins.get(&key(used))
    }

    pub(super) fn digests(&self) -> impl Iterator<Item = Digest> {
        self.plugins.values().map(Plugin::digest)
    }
}

fn key(used: &PluginUse) -> Key {
    (used.plugin.clone(), used.profile.profile())
}

/// An engine for each profile that is used, with room for the instances that its steps keep warm.
fn sandboxes(
    file: &PipelineFile,
    uses: &[(Table, &str, &PluginUse)],
    compiler: &Compiler,
) -> Result<BTreeMap<Profile, Sandbox>, EngineError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    let workers = file.pipeline.workers.unwrap_or(cores).max(1);
    let mut steps: BTreeMap<Profile, u32> = BTreeMap::new();
    for (_, _, used) in uses {
        *steps.entry(used.profile.profile()).or_default() += 1;
    }
    let sandboxes = steps.into_iter().map(|(profile, steps)| {
        let instances = workers.saturating_mul(steps).saturating_add(SPARE_INSTANCES);
        let options = SandboxOptions { instances, profile, compiler: compiler.clone() };
        Ok((profile, Sandbox::with_options(options)?))
    });
    sandboxes.collect()
}

/// All entries of a file that use a plugin.
pub(super) fn uses(file: &PipelineFile) -> Vec<(Table, &str, &PluginUse)> {
    let sources = file.sources.iter().filter_map(|(name, source)| match &source.kind {
        SourceKind::Plugin(used) => Some((Table::Sources, name.as_str(), used)),
        _ => None,
    });
    let transforms = file.transforms.iter().filter_map(|(name, step)| match &step.kind {
        TransformKind::Plugin(used, _) => Some((Table::Transforms, name.as_str(), used.as_ref())),
        TransformKind::Sql(_) => None,
    });
    let validators =
        file.validators.iter().map(|(name, step)| (Table::Validators, name.as_str(), &step.plugin));
    let sinks = file.sinks.iter().filter_map(|(name, sink)| match &sink.kind {
        SinkKind::Plugin(used) => Some((Table::Sinks, name.as_str(), used.as_ref())),
        _ => None,
    });
    let notifiers = file
        .notifiers
        .iter()
        .map(|(name, notifier)| (Table::Notifiers, name.as_str(), &notifier.plugin));
    sources.chain(transforms).chain(validators).chain(sinks).chain(notifiers).collect()
}

async fn load(
    sandbox: &Sandbox,
    name: &str,
    folders: &[PathBuf],
    base: &Path,
) -> Result<Plugin, Diagnostic> {
    let path = find(name, folders, base)?;
    let bytes = tokio::fs::read(&path).await.map_err(|error| {
        Diagnostic::error(format!("cannot read the plugin {}: {error}", path.display()))
    })?;
    sandbox.load_beside(bytes.into(), path.parent()).await.map_err(|error| {
        Diagnostic::error(format!("{} is no plugin: {error}", path.display()))
            .hint("a plugin is a component built against a world of wasmill:plugin; see README")
    })
}

/// The file of a plugin: a path that ends in `.wasm`, or a name to look for.
fn find(name: &str, folders: &[PathBuf], base: &Path) -> Result<PathBuf, Diagnostic> {
    if Path::new(name).extension().is_some_and(|extension| extension == "wasm") {
        let path = base.join(name);
        if path.is_file() {
            return Ok(path);
        }
        return Err(Diagnostic::error(format!("there is no plugin file {}", path.display())));
    }
    let folders: Vec<PathBuf> = folders.iter().map(|folder| base.join(folder)).collect();
    let found = folders.iter().map(|folder| folder.join(format!("{name}.wasm")));
    if let Some(path) = found.into_iter().find(|path| path.is_file()) {
        return Ok(path);
    }
    let looked: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    let known = known(&folders);
    let hint = match nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => format!(
            "there are no plugins in {}; name their folders in pipeline.plugins, or give a path that ends in .wasm",
            looked.join(", ")
        ),
        None => format!("there are {}", known.join(", ")),
    };
    let message = format!("there is no plugin `{name}` in {}", looked.join(", "));
    Err(Diagnostic::error(message).hint(hint))
}

fn known(folders: &[PathBuf]) -> Vec<String> {
    let mut names: Vec<String> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wasm"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}
