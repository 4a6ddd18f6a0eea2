//! Checking a pipeline file: everything that can be known before a row is read, all findings at once.
//!
//! ```text
//!   text ─▶ document ─▶ sections ─▶ order ─▶ plugins loaded ─▶ each step bound to the columns it gets
//! ```
//!
//! A step whose inputs are wrong is not looked at further, so one mistake gives one finding.

pub(crate) mod beside;
mod graph;
mod needs;
pub(crate) mod plugin_steps;
mod plugins;
mod policies;
mod sources;
pub(crate) mod sql;
mod steps;

pub use needs::Needs;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use datafusion::execution::memory_pool::MemoryPool;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use wasmill_ledger::{Ledger, now_ms};
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::component::Digest;

use crate::checked::{CheckedPipeline, Settings, SinkStep, SinkTarget, SourceReader, Step, Work};
use crate::events::Observer;
use crate::exec::memory::pool;
use crate::file::diagnostic::{Cause, Diagnostic, Severity};
use crate::file::document::Document;
use crate::file::reader;
use crate::file::sections::{PipelineFile, SinkKind, default_ledger};
use crate::identity::Identity;
use crate::policy::Policies;

use self::graph::Table;
use self::plugins::Plugins;
use self::steps::{CheckedSteps, Checker};

/// A pipeline file that was read and is not checked yet.
pub struct Pipeline {
    document: Document,
    syntax: Vec<Diagnostic>,
    /// The folder of the file.
    base: PathBuf,
    observer: Arc<dyn Observer>,
    compiler: Compiler,
    /// Whether rows reach their sinks, and events their notifiers.
    has_effects: bool,
    /// Where failed batches are kept, if that is wanted.
    cassettes: Option<PathBuf>,
    /// The step that was added beside another one, and is no part of the pipeline.
    added: Option<String>,
    /// Where virtual clocks start, if that is given.
    start_time: Option<Duration>,
}

/// What the text alone says.
struct Sections {
    file: PipelineFile,
    policies: Policies,
    /// Each step after those that it reads.
    order: Vec<(Table, String)>,
}

/// A pipeline file that could not be read at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the pipeline file {}", path.display())]
pub struct ReadError {
    pub path: PathBuf,
    #[source]
    pub source: std::io::Error,
}

/// A pipeline that cannot run, with everything that was found.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct CheckFailed(pub Vec<Diagnostic>);

impl CheckFailed {
    /// The exit code (sysexits): of what the author of the file can mend first.
    pub fn exit_code(&self) -> u8 {
        let errors = || self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        if errors().any(|error| error.cause == Cause::File) {
            78
        } else if errors().any(|error| error.cause == Cause::NotGranted) {
            77
        } else {
            70
        }
    }
}

impl Pipeline {
    /// Reads a file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ReadError { path: path.to_owned(), source })?;
        Ok(Self::from_text(path, &text))
    }

    /// From the text of a file; `path` is where findings are placed, and what relative paths are taken from.
    pub fn from_text(path: impl AsRef<Path>, text: &str) -> Self {
        let path = path.as_ref();
        let (document, syntax) = Document::parse(path, text);
        // The one name that it has from everywhere: a run may be gone on with from another folder, or by a link.
        let base = path.parent().unwrap_or(Path::new(""));
        let base = std::env::current_dir().unwrap_or_default().join(base);
        let base = base.canonicalize().unwrap_or(base);
        Self::new(document, syntax, base)
    }

    /// From sections that a program made. What is found has no place in any file.
    pub(crate) fn from_sections(root: Map<String, Value>, base: PathBuf) -> Self {
        Self::new(Document::made(root), Vec::new(), base)
    }

    fn new(document: Document, syntax: Vec<Diagnostic>, base: PathBuf) -> Self {
        Self {
            document,
            syntax,
            base,
            observer: Arc::new(()),
            compiler: Compiler::new(),
            has_effects: true,
            cassettes: None,
            added: None,
            start_time: None,
        }
    }

    /// Lets virtual clocks start when a run was started that is to be worked on, so that its plugins see the same time in every
    /// process. Without it, they start now.
    #[must_use]
    pub fn started_at(mut self, since_epoch: Duration) -> Self {
        self.start_time = Some(since_epoch);
        self
    }

    /// Keeps batches that make a plugin fail, each in a file of this folder: [`crate::cassette`].
    #[must_use]
    pub fn cassettes_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cassettes = Some(folder.into());
        self
    }

    /// Leaves the world as it is: rows go nowhere instead of into their sinks, which are not even looked at, and there are
    /// no notifiers.
    pub(crate) fn without_effects(mut self) -> Self {
        self.has_effects = false;
        self
    }

    /// Lets somebody watch the check and the run.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// How components are compiled: where nothing is said, in this process, each time.
    #[must_use]
    pub fn compiled_by(mut self, compiler: Compiler) -> Self {
        self.compiler = compiler;
        self
    }

    /// The run store that the file names, and the folder from which a relative path is taken.
    pub fn ledger(&self) -> (String, &Path) {
        let named = self.document.root().get("pipeline").and_then(|section| section.get("ledger"));
        let ledger = named.and_then(Value::as_str).map_or_else(default_ledger, str::to_owned);
        (ledger_from_environment().unwrap_or(ledger), &self.base)
    }

    /// The pipeline's name, where the file gives one.
    pub fn name(&self) -> Option<&str> {
        self.document.root().get("pipeline")?.get("name")?.as_str()
    }

    /// What is wrong with the text by itself: nothing that it names is looked at.
    pub fn findings_in_text(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        self.sections(&mut diagnostics);
        diagnostics
    }

    /// The sections, where the text is good enough for them.
    pub(crate) fn outline(&self) -> Option<PipelineFile> {
        Some(self.sections(&mut Vec::new())?.file)
    }

    /// The sections, and their steps in order. None where there is too little to go on.
    fn sections(&self, diagnostics: &mut Vec<Diagnostic>) -> Option<Sections> {
        diagnostics.extend_from_slice(&self.syntax);
        // Half a file gives findings that are none.
        if !diagnostics.is_empty() {
            return None;
        }
        let mut file = reader::read(&self.document, diagnostics)?;
        if let Some(ledger) = ledger_from_environment() {
            file.pipeline.ledger = ledger;
        }
        if !self.has_effects {
            remove_effects(&mut file);
        }
        if let Err(error) = Ledger::check_url(&file.pipeline.ledger) {
            let place = self.document.value_place("/pipeline/ledger");
            diagnostics.push(Diagnostic::error(error.to_string()).at(place));
        }
        let policies = policies::policies(&file, &self.document, diagnostics);
        let order = graph::order(&file, &self.document, diagnostics);
        Some(Sections { file, policies, order })
    }

    /// Checks everything. What is worth knowing and no error is in [`CheckedPipeline::warnings`].
    pub async fn check(self) -> Result<CheckedPipeline, CheckFailed> {
        Ok(self.check_beside().await?.0)
    }

    /// Checks everything, and the step that was added beside another one.
    pub(crate) async fn check_beside(self) -> Result<(CheckedPipeline, Option<Step>), CheckFailed> {
        let mut diagnostics = Vec::new();
        let Some(Sections { file, policies, order }) = self.sections(&mut diagnostics) else {
            return Err(CheckFailed(diagnostics));
        };
        let compiler = &self.compiler;
        let plugins =
            Plugins::load(&file, &self.document, &self.base, compiler, &mut diagnostics).await;
        let memory = pool(file.pipeline.memory.0);
        // The ledger counts milliseconds: whoever goes on with the run starts clocks at the same time.
        let now = || Duration::from_millis(u64::try_from(now_ms()).unwrap_or_default());
        let start_time = self.start_time.unwrap_or_else(now);
        let mut checker = Checker::new(
            &file,
            &self.document,
            &self.base,
            &plugins,
            Arc::clone(&self.observer),
            Arc::clone(&memory),
            &mut diagnostics,
        );
        checker.start_time = start_time;
        checker.keeps_cassettes = self.cassettes.is_some();
        checker.connections();
        for (table, name) in &order {
            checker.step(*table, name).await;
        }
        let sinks = checker.sinks().await;
        let notifiers = checker.notifiers().await;
        let CheckedSteps { mut steps, mut meters, secrets } = checker.into_steps();
        let added = self.added.as_ref().and_then(|added| steps.shift_remove(added));
        if self.added.is_some() {
            beside::told_apart(&mut diagnostics);
        }
        meters.complete(steps.values(), sinks.values());
        diagnostics.sort_by_key(|diagnostic| {
            diagnostic.place.as_ref().map_or(0, |place| place.span.start)
        });
        if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(CheckFailed(diagnostics));
        }
        let identity = Identity::new(self.document.root(), &plugins_by_step(&steps, &sinks));
        let pipeline = CheckedPipeline {
            name: file.pipeline.name.clone(),
            tenant: file.pipeline.tenant.clone(),
            digest: digest(self.document.text(), &plugins),
            identity,
            start_time,
            settings: settings(&file, &memory),
            base: self.base,
            steps,
            sinks,
            notifiers,
            policies,
            secrets,
            observer: self.observer,
            meters: Arc::new(meters),
            warnings: diagnostics,
            cassettes: self.cassettes,
            shadow: None,
            replay: None,
        };
        Ok((pipeline, added))
    }
}

/// The run store that counts instead of the file's: so that neither a password nor a machine need be written there.
fn ledger_from_environment() -> Option<String> {
    std::env::var("WASMILL_LEDGER").ok().filter(|ledger| !ledger.is_empty())
}

/// The plugins at work, by the names of steps and sinks.
fn plugins_by_step<'a>(
    steps: &'a IndexMap<String, Step>,
    sinks: &'a IndexMap<String, Arc<SinkStep>>,
) -> Vec<(&'a str, Digest)> {
    let of_step = |step: &Step| match &step.work {
        Work::Source(work) => match &work.reader {
            SourceReader::Plugin { digest, .. } => Some(*digest),
            SourceReader::Connector(_) => None,
        },
        Work::Transform(work) => Some(work.digest),
        Work::Validate(work) => Some(work.digest),
        Work::Sql(_) => None,
    };
    let of_sink = |sink: &SinkStep| match &sink.target {
        SinkTarget::Plugin { digest, .. } => Some(*digest),
        SinkTarget::Connector(_) => None,
    };
    let steps = steps.iter().map(|(name, step)| (name.as_str(), of_step(step)));
    let sinks = sinks.iter().map(|(name, sink)| (name.as_str(), of_sink(sink)));
    steps.chain(sinks).filter_map(|(name, digest)| Some((name, digest?))).collect()
}

fn remove_effects(file: &mut PipelineFile) {
    for (name, sink) in &mut file.sinks {
        sink.kind = SinkKind::Discard(name.clone());
    }
    file.notifiers.clear();
}

fn settings(file: &PipelineFile, memory: &Arc<dyn MemoryPool>) -> Settings {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Settings {
        ledger: file.pipeline.ledger.clone(),
        state: file.pipeline.state.clone(),
        seed: file.pipeline.seed,
        workers: file.pipeline.workers.map_or_else(cores, |workers| workers.max(1) as usize),
        memory: Arc::clone(memory),
        memory_bytes: file.pipeline.memory.0,
        batch_rows: file.pipeline.batch_rows,
        max_quarantined: file.pipeline.max_quarantined,
    }
}

/// Of the file's text and of all plugins: what would run.
fn digest(text: &str, plugins: &Plugins) -> String {
    let mut hash = Sha256::new();
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text);
    for digest in plugins.digests() {
        hash.update(digest.to_string());
    }
    let hex = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("sha256:{hex}")
}
