//! Making the calls of a cassette once more: with the component that failed, or with another one that is to mend it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::component::{Digest, LinkError, LoadError, Plugin};
use wasmill_sandbox::engine::{EngineError, Profile, Sandbox, SandboxOptions, WASMTIME_VERSION};
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::grants::Grants;

use crate::cassette::format::{Cassette, CassetteError, component_file};
use crate::cassette::header::Header;
use crate::cassette::outcome::Outcome;
use crate::cassette::performance::Stage;
use crate::cassette::playback::Playback;
use crate::explain::{Case, Explanation};
use crate::file::secrets::{self, Redaction};

/// How many rows are shown: of those that fail by themselves, and where there are none, of all.
const SHOWN_BLAMED: usize = 20;
const SHOWN_ROWS: usize = 5;

/// Why a cassette cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Cassette(#[from] CassetteError),
    #[error("cannot read the component {}", path.display())]
    Component {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is {actual}; the cassette was recorded with {expected}", path.display())]
    OtherComponent { path: PathBuf, expected: String, actual: String },
    #[error("{} is no plugin", path.display())]
    Load {
        path: PathBuf,
        #[source]
        source: LoadError,
    },
    #[error("{} cannot take the place of the recorded component", path.display())]
    Link {
        path: PathBuf,
        #[source]
        source: LinkError,
    },
    #[error("the sandbox cannot start")]
    Sandbox(#[from] EngineError),
    #[error("the configuration at {pointer}: {message}")]
    Secret { pointer: String, message: String },
    #[error("what came back cannot be written down")]
    Rows(#[from] arrow::error::ArrowError),
    #[error("there is nothing to shrink: {0}")]
    NothingToShrink(String),
}

impl ReplayError {
    /// What a person can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Component { .. } => Some(
                "a cassette is used together with the .wasm file beside it; or name the component with --component FILE",
            ),
            Self::OtherComponent { .. } => {
                Some("to see what another component makes of it, use --with FILE")
            }
            Self::Secret { .. } => Some(
                "a cassette holds no secrets: set the variable, or make the file below the current folder; where its value does not matter to the fault, any of the same length will do",
            ),
            Self::Link { source: LinkError::NotGranted(refused), .. } => Some(refused.hint),
            _ => None,
        }
    }
}

/// A cassette that is to be replayed.
pub struct Replay {
    pub(super) cassette: Cassette,
    pub(super) path: PathBuf,
    component: Option<PathBuf>,
    compiler: Compiler,
}

/// What came of a replay.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayReport {
    /// Whether everything was as it was recorded.
    pub reproduced: bool,
    /// What was not.
    pub differences: Vec<String>,
    /// What can make a difference without anybody's fault.
    pub warnings: Vec<String>,
    pub outcome: Outcome,
    /// Why it failed, in several lines, with source lines where the component has them.
    pub explanation: Option<String>,
    /// Where in the plugin, innermost first, with source lines.
    pub stack: Vec<String>,
    /// How many rows the failing call has, and how many calls come before it.
    pub rows: usize,
    pub calls_before: usize,
    /// The rows that failed by themselves; where there are none, the first rows of the call.
    pub shown: Vec<ShownRow>,
}

/// A row of the failing call.
#[derive(Debug, Clone, Serialize)]
pub struct ShownRow {
    /// In the call, counted from 0.
    pub row: usize,
    /// In the split, where it has one.
    pub position: Option<u64>,
    /// What it failed with by itself.
    pub blamed: Option<String>,
    /// The row as a JSON object.
    pub values: Value,
}

/// What another component, or another configuration, makes of the same calls.
#[derive(Debug, Clone, Serialize)]
pub struct OtherReport {
    /// The digest of the component.
    pub component: String,
    pub verdict: Verdict,
    pub outcome: Outcome,
}

/// Whether a fault was mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All calls go well.
    Mended,
    /// It fails with the same kind of fault in the same export.
    Same,
    /// It fails, but otherwise.
    Other,
    /// It asks for something over HTTP that was not recorded: what it would have done is not known.
    Unknown,
}

impl Replay {
    /// Reads a cassette.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        let cassette = Cassette::read(path)?;
        let path = path.to_owned();
        Ok(Self { cassette, path, component: None, compiler: Compiler::new() })
    }

    /// How components are compiled: where nothing is said, in this process, each time.
    #[must_use]
    pub fn compiled_by(mut self, compiler: Compiler) -> Self {
        self.compiler = compiler;
        self
    }

    /// Where the recorded component is, if it is not beside the cassette.
    #[must_use]
    pub fn component(mut self, path: Option<PathBuf>) -> Self {
        self.component = path;
        self
    }

    /// What is in the cassette.
    pub fn header(&self) -> &Header {
        &self.cassette.header
    }

    /// Makes the calls once more, with the component that was recorded.
    ///
    /// # Errors
    ///
    /// When the component is not there or is another one, or a secret that its configuration refers to is missing.
    pub async fn run(&self) -> Result<ReplayReport, ReplayError> {
        let stage = self.stage().await?;
        let (outcome, fault) = stage.perform_with_fault(&self.cassette).await?;
        let header = self.header();
        let (mut explanation, mut stack) = (None, Vec::new());
        if let Some(mut fault) = fault {
            stage.locate(&mut fault).await;
            let reads = stage.reads(&self.cassette.input).await;
            let fuel = outcome.failed.as_ref().map(|failed| failed.fuel);
            explanation = Some(stage.redacted(&self.explain(&fault, &reads, fuel).to_string()));
            stack = fault.stack().iter().map(|frame| stage.redacted(&frame.to_string())).collect();
        }
        let differences = outcome.differences(&header.outcome);
        Ok(ReplayReport {
            reproduced: differences.is_empty(),
            differences,
            warnings: self.warnings(),
            outcome,
            explanation,
            stack,
            rows: header.calls.last().map_or(0, |call| call.rows),
            calls_before: header.calls.len().saturating_sub(1),
            shown: self.shown()?,
        })
    }

    /// Makes the calls with another component, with another configuration, or both.
    ///
    /// # Errors
    ///
    /// As [`Self::run`]; and when the component is of another kind.
    pub async fn run_with(
        &self,
        component: Option<&Path>,
        config: Option<&Map<String, Value>>,
    ) -> Result<OtherReport, ReplayError> {
        let path = component.map_or_else(|| self.component_path(), Path::to_owned);
        let plugin = self.load(&path).await?;
        if component.is_none() {
            self.check_component(&path, plugin.digest())?;
        }
        let config = config.unwrap_or(&self.header().config);
        let outcome = self.placed(&path, &plugin, config)?.perform(&self.cassette).await?;
        let recorded = &self.header().outcome;
        let verdict = match (&outcome.failed, &recorded.failed) {
            _ if outcome.http.is_some() => Verdict::Unknown,
            (None, _) => Verdict::Mended,
            (Some(is), Some(was)) if is.kind == was.kind && is.export == was.export => {
                Verdict::Same
            }
            (Some(_), _) => Verdict::Other,
        };
        Ok(OtherReport { component: plugin.digest().to_string(), verdict, outcome })
    }

    /// The recorded component in its place.
    pub(super) async fn stage(&self) -> Result<Stage, ReplayError> {
        let path = self.component_path();
        let plugin = self.load(&path).await?;
        self.check_component(&path, plugin.digest())?;
        self.placed(&path, &plugin, &self.header().config)
    }

    fn check_component(&self, path: &Path, actual: Digest) -> Result<(), ReplayError> {
        let (expected, actual) = (self.header().component.clone(), actual.to_string());
        if actual == expected {
            return Ok(());
        }
        Err(ReplayError::OtherComponent { path: path.to_owned(), expected, actual })
    }

    fn component_path(&self) -> PathBuf {
        match &self.component {
            Some(path) => path.clone(),
            None => self.path.with_file_name(component_file(&self.header().component)),
        }
    }

    async fn load(&self, path: &Path) -> Result<Plugin, ReplayError> {
        let bytes = std::fs::read(path)
            .map_err(|source| ReplayError::Component { path: path.to_owned(), source })?;
        let profile = self.header().plugin_profile().unwrap_or_default();
        let compiler = self.compiler.clone();
        let sandbox = Sandbox::with_options(SandboxOptions { instances: 2, profile, compiler })?;
        let loaded = sandbox.load_beside(bytes.into(), path.parent()).await;
        loaded.map_err(|source| ReplayError::Load { path: path.to_owned(), source })
    }

    fn placed(
        &self,
        path: &Path,
        plugin: &Plugin,
        config: &Map<String, Value>,
    ) -> Result<Stage, ReplayError> {
        let header = self.header();
        let mut config = Value::Object(config.clone());
        let resolved = secrets::resolve(&mut config, Path::new("."));
        if let Some(missing) = resolved.missing.into_iter().next() {
            let (pointer, message) = (missing.pointer, missing.message);
            return Err(ReplayError::Secret { pointer, message });
        }
        let Value::Object(config) = config else { unreachable!("references stand for text") };
        let nobody = Arc::new(Playback::new(Redaction::default()));
        let environment = Environment {
            config: Arc::new(config),
            limits: header.limits.limits(),
            grants: Grants {
                http: HttpGrant::new(header.grants.http.iter().cloned(), nobody),
                real_clocks: header.grants.real_clocks,
                real_randomness: header.grants.real_randomness,
                pure: header.grants.pure,
            },
            start_time: header.start_time,
            ..Environment::default()
        };
        let kind = header.plugin_kind().unwrap_or_else(|| plugin.kind());
        Stage::new(plugin, kind, environment, resolved.secrets)
            .map_err(|source| ReplayError::Link { path: path.to_owned(), source })
    }

    fn explain(&self, fault: &Fault, reads: &[usize], fuel: Option<u64>) -> Explanation {
        let header = self.header();
        // The row, where there is one that the fault comes down to.
        let rows = self.cassette.rows.last().and_then(Option::as_ref);
        let one = rows.and_then(|rows| match (&header.blamed[..], rows.batch.num_rows()) {
            (_, 1) => Some(rows.slice(&(0..1))),
            ([blamed], count) if blamed.row < count => {
                Some(rows.slice(&(blamed.row..blamed.row + 1)))
            }
            _ => None,
        });
        let fields = self.cassette.input.fields();
        let reads: Vec<String> = reads.iter().map(|&at| fields[at].name().clone()).collect();
        let case = Case {
            step: &header.step,
            plugin: &header.component,
            split: Some(&header.split),
            position: one.as_ref().and_then(|row| row.position(0)),
            seen: one.as_ref().map(|row| &row.batch),
            reads: &reads,
            fuel: fuel.filter(|&fuel| fuel > 0),
            limits: Some(&header.limits.limits()),
        };
        Explanation::new(fault, &case)
    }

    fn warnings(&self) -> Vec<String> {
        let header = self.header();
        let mut warnings = Vec::new();
        for (name, recorded, here) in [
            ("wasmtime", &header.wasmtime, WASMTIME_VERSION),
            ("wasmill", &header.wasmill, env!("CARGO_PKG_VERSION")),
        ] {
            if recorded != here {
                warnings.push(format!(
                    "recorded by {name} {recorded}, replayed by {name} {here}: fuel may differ"
                ));
            }
        }
        if header.plugin_profile() != Some(Profile::Metered) {
            warnings.push(format!(
                "under `profile = \"{}\"` there is no fuel: it is neither limited nor compared",
                header.profile
            ));
        }
        let failed = header.outcome.failed.as_ref();
        if failed.is_some_and(|failed| failed.kind == FaultKind::Deadline) {
            warnings.push(
                "a deadline is a matter of the clock: a faster machine may not meet it, and the fuel up to it is not compared"
                    .to_owned(),
            );
        }
        if header.grants.real_clocks || header.grants.real_randomness {
            warnings.push(
                "the step is granted real clocks or real randomness: they are not recorded"
                    .to_owned(),
            );
        }
        let seen = &header.seen;
        match failed {
            None => warnings.push(format!(
                "the run saw: {}; a fresh instance does not fail on the same calls: it takes what an instance keeps from others",
                seen.message
            )),
            Some(failed) if failed.kind != seen.kind => warnings.push(format!(
                "the run saw another fault than a fresh instance: {}",
                seen.message
            )),
            Some(_) => {}
        }
        warnings
    }

    fn shown(&self) -> Result<Vec<ShownRow>, ReplayError> {
        let Some(rows) = self.cassette.rows.last().and_then(Option::as_ref) else {
            return Ok(Vec::new());
        };
        let blamed = &self.header().blamed;
        let numbers: Vec<(usize, Option<String>)> = if blamed.is_empty() {
            (0..rows.batch.num_rows()).map(|row| (row, None)).take(SHOWN_ROWS).collect()
        } else {
            let known = blamed.iter().filter(|blamed| blamed.row < rows.batch.num_rows());
            let known = known.map(|blamed| (blamed.row, Some(blamed.message.clone())));
            known.take(SHOWN_BLAMED).collect()
        };
        let mut shown = Vec::with_capacity(numbers.len());
        for (row, blamed) in numbers {
            let text = wasmill_sandbox::contract::json::encode(&rows.batch.slice(row, 1))?;
            let values: Vec<Value> = serde_json::from_str(&text)
                .map_err(|error| arrow::error::ArrowError::JsonError(error.to_string()))?;
            let values = values.into_iter().next().unwrap_or_default();
            shown.push(ShownRow { row, position: rows.position(row), blamed, values });
        }
        Ok(shown)
    }
}
