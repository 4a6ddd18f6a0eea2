//! A pipeline that was checked: every component loaded and bound, every schema known. Only a check makes one, and only one of
//! these can be run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::execution::memory_pool::MemoryPool;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use wasmill_connect::sink::Sink;
use wasmill_connect::source::Source;
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::contract::binding::TransformBinding;
use wasmill_sandbox::contract::extracted::ExtractBinding;
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::loader::{LoadBinding, Loader};
use wasmill_sandbox::notifier::Notifier;
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::validator::{ValidateBinding, Validator};

use crate::cassette::recorder::Recordable;
use crate::events::Observer;
use crate::exec::search::SearchBudget;
use crate::file::diagnostic::Diagnostic;
use crate::file::secrets::Redaction;
use crate::file::sections::{BadRowPolicy, EventKind, Tolerance, ViolationPolicy};
use crate::identity::Identity;
use crate::metrics::Meters;
use crate::policy::Policies;
use crate::quarantine::Replay;
use crate::shadow::beside::ShadowRun;

/// A pipeline that can be run. Cheap to clone: plugins and connectors are shared.
#[derive(Clone)]
pub struct CheckedPipeline {
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) tenant: String,
    /// The folder of the file.
    pub(crate) base: PathBuf,
    /// Of the file's text and of all plugins: what would run.
    pub(crate) digest: String,
    pub(crate) identity: Identity,
    /// Where virtual clocks start, and with them a run: since 1970-01-01T00:00:00Z.
    pub(crate) start_time: Duration,
    pub(crate) settings: Settings,
    /// Sources, transforms and validators; each after those that it reads.
    pub(crate) steps: IndexMap<String, Step>,
    pub(crate) sinks: IndexMap<String, Arc<SinkStep>>,
    pub(crate) notifiers: IndexMap<String, NotifierStep>,
    pub(crate) policies: Policies,
    /// What is taken out of whatever plugins say.
    pub(crate) secrets: Redaction,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) warnings: Vec<Diagnostic>,
    /// Where failed batches are kept, if that is wanted.
    pub(crate) cassettes: Option<PathBuf>,
    /// The new version of a step that runs beside the old one.
    pub(crate) shadow: Option<Arc<ShadowRun>>,
    /// Of a pipeline that rows of the quarantine go through again.
    pub(crate) replay: Option<Arc<Replay>>,
}

impl CheckedPipeline {
    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was found that is worth knowing and no error.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The connector of a source, unless a plugin reads it.
    pub(crate) fn connector(&self, source: &str) -> Option<&Arc<dyn Source>> {
        let Work::Source(work) = &self.steps.get(source)?.work else { return None };
        match &work.reader {
            SourceReader::Connector(connector) => Some(connector),
            SourceReader::Plugin { .. } => None,
        }
    }

    /// The sinks: where their rows go, and what holds there when a run dies while it publishes.
    pub fn guarantees(&self) -> impl Iterator<Item = SinkGuarantee<'_>> {
        self.sinks.iter().map(|(name, sink)| match &sink.target {
            SinkTarget::Connector(target) => SinkGuarantee {
                sink: name,
                target: target.target(),
                guarantee: target.guarantee().to_string(),
            },
            SinkTarget::Plugin { .. } => SinkGuarantee {
                sink: name,
                target: format!("loader `{name}`"),
                guarantee: "what the plugin gives: its commit is repeated after a crash".to_owned(),
            },
        })
    }

    /// What runs beside a step.
    pub(crate) fn shadow_of(&self, step: &str) -> Option<Arc<ShadowRun>> {
        self.shadow.as_ref().filter(|shadow| shadow.step == step).map(Arc::clone)
    }

    /// The steps with the columns that they give, each after those that it reads.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &SchemaRef)> {
        self.steps.iter().map(|(name, step)| (name.as_str(), &step.schema))
    }
}

/// What can be relied on when rows are published to a sink.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SinkGuarantee<'a> {
    pub sink: &'a str,
    /// Where a person finds the rows.
    pub target: String,
    /// One line.
    pub guarantee: String,
}

/// What holds for the whole pipeline.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) ledger: String,
    /// Where what is staged and held back is kept; none for the folder of the ledger.
    pub(crate) state: Option<PathBuf>,
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// Shared by plugins and queries.
    pub(crate) memory: Arc<dyn MemoryPool>,
    pub(crate) memory_bytes: u64,
    pub(crate) batch_rows: usize,
    pub(crate) max_quarantined: Option<Tolerance>,
}

/// A step whose rows can be read.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    /// The columns that it gives.
    pub(crate) schema: SchemaRef,
    pub(crate) work: Work,
}

#[derive(Clone)]
pub(crate) enum Work {
    Source(Arc<SourceWork>),
    Transform(Arc<TransformWork>),
    Sql(Arc<SqlWork>),
    Validate(Arc<ValidateWork>),
}

pub(crate) struct SourceWork {
    pub(crate) reader: SourceReader,
    pub(crate) on_bad_row: BadRowPolicy,
}

pub(crate) enum SourceReader {
    Connector(Arc<dyn Source>),
    Plugin { extractor: Extractor, binding: Arc<ExtractBinding>, digest: Digest },
}

pub(crate) struct TransformWork {
    pub(crate) transformer: Transformer,
    pub(crate) binding: Arc<TransformBinding>,
    pub(crate) digest: Digest,
    pub(crate) on_fault: BadRowPolicy,
    pub(crate) search: SearchBudget,
    pub(crate) on_bad_row: BadRowPolicy,
    pub(crate) partitions: u32,
    /// The plugin's configuration.
    pub(crate) config: Arc<Map<String, Value>>,
    /// What is recorded of calls that fail, if that is wanted.
    pub(crate) recordable: Option<Arc<Recordable>>,
    /// Whether it was granted a connection.
    pub(crate) is_connected: bool,
}

pub(crate) struct SqlWork {
    pub(crate) query: String,
    pub(crate) partitions: u32,
    /// The input that can pass through split by split; none where the query needs all rows at once.
    pub(crate) streamed: Option<String>,
}

pub(crate) struct ValidateWork {
    pub(crate) validator: Validator,
    pub(crate) binding: Arc<ValidateBinding>,
    pub(crate) digest: Digest,
    pub(crate) on_violation: ViolationPolicy,
    pub(crate) on_fault: BadRowPolicy,
    pub(crate) search: SearchBudget,
    pub(crate) max_quarantined: Option<Tolerance>,
    /// The plugin's configuration.
    pub(crate) config: Arc<Map<String, Value>>,
    /// What is recorded of calls that fail, if that is wanted.
    pub(crate) recordable: Option<Arc<Recordable>>,
    /// Whether it was granted a connection.
    pub(crate) is_connected: bool,
}

pub(crate) struct SinkStep {
    pub(crate) name: String,
    pub(crate) inputs: Vec<String>,
    /// The columns that it takes.
    pub(crate) schema: SchemaRef,
    pub(crate) target: SinkTarget,
}

#[derive(Clone)]
pub(crate) enum SinkTarget {
    Connector(Arc<dyn Sink>),
    Plugin { loader: Loader, binding: Arc<LoadBinding>, digest: Digest },
}

#[derive(Clone)]
pub(crate) struct NotifierStep {
    pub(crate) notifier: Notifier,
    pub(crate) on: Vec<EventKind>,
}
