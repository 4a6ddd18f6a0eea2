//! What fails in a run, kept: the first call of each batch that fails with a fault of some kind, with the calls before it
//! where the plugin gathers from row to row.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use serde_json::{Map, Value};
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::Exchange;
use wasmill_sandbox::component::{Digest, Plugin, PluginKind};
use wasmill_sandbox::engine::{Profile, WASMTIME_VERSION};
use wasmill_sandbox::fault::{Fault, FaultKind};

use crate::cassette::folder::{Admission, CassetteFolder, MAX_KEPT, MAX_KEPT_DEADLINES};
use crate::cassette::format::{
    Cassette, CassetteError, EXTENSION, FORMAT, component_file, write_whole,
};
use crate::cassette::header::{Blamed, CallHeader, Header, RecordedGrants, Seen};
use crate::cassette::outcome::Outcome;
use crate::cassette::performance::{FINISH, Stage};
use crate::cassette::playback::RecordedExchange;
use crate::cassette::redact;
use crate::error::chain;
use crate::events::Event;
use crate::exec::blame::Blame;
use crate::exec::history::History;
use crate::exec::rows::Numbered;
use crate::exec::search::Found;
use crate::exec::task::Task;
use crate::file::secrets::Redaction;

/// How many bytes of rows a cassette holds at most.
const MAX_ROW_BYTES: usize = 256 << 20;
/// How many bytes of HTTP are kept of the calls before the one that fails, where those matter.
const MAX_HTTP_BYTES: usize = 64 << 20;

/// A step whose failed calls can be kept: what they depend on beside the rows.
pub(crate) struct Recordable {
    pub(crate) pipeline: String,
    pub(crate) name: String,
    pub(crate) plugin: Plugin,
    /// Where the component was read from.
    pub(crate) component: PathBuf,
    pub(crate) environment: Environment,
    /// As it is written in the file.
    pub(crate) config: Map<String, Value>,
    pub(crate) profile: Profile,
    pub(crate) input: SchemaRef,
}

/// What a call asked for over HTTP; none where it was too much to be kept.
type Exchanges = Option<Vec<Exchange>>;

/// Remembers what the calls of a step in a task need beside their rows, and keeps those that fail.
pub(crate) struct Recorder {
    step: Arc<Recordable>,
    /// Whether what passed before a call matters.
    gathers: bool,
    is_connected: bool,
    open: Exchanges,
    /// What calls that passed asked for, by the number of their first row. Empty where nothing can be asked, or does not matter.
    passed: BTreeMap<u64, Exchanges>,
    passed_bytes: usize,
    /// The first call of the batch in hand that failed with each kind of fault.
    failed: Vec<Failure>,
}

/// A call that failed.
struct Failure {
    /// In the batch.
    rows: Range<usize>,
    seen: Seen,
    /// What its instance asked for when it was opened.
    open: Exchanges,
    http: Exchanges,
}

/// Why a failed call is not kept.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    #[error("the calls before it hold more than {} MiB of rows", MAX_ROW_BYTES >> 20)]
    RowBytes,
    #[error("more was asked for over HTTP than is kept")]
    HttpBytes,
    #[error("the calls before it cannot be read again")]
    History(#[source] datafusion::error::DataFusionError),
    #[error("cannot read the component {}", path.display())]
    Component {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the component {} was changed since it was loaded", path.display())]
    ComponentChanged { path: PathBuf },
    #[error("the component cannot be linked")]
    Link(#[from] wasmill_sandbox::component::LinkError),
    #[error("what came back cannot be written down")]
    Output(#[source] arrow::error::ArrowError),
    #[error("there was no room for one more instance")]
    Busy,
    #[error(transparent)]
    Cassette(#[from] CassetteError),
}

impl Recorder {
    pub(crate) fn new(step: &Arc<Recordable>, gathers: bool) -> Self {
        Self {
            step: Arc::clone(step),
            gathers,
            is_connected: !step.environment.grants.http.is_empty(),
            open: Some(Vec::new()),
            passed: BTreeMap::new(),
            passed_bytes: 0,
            failed: Vec::new(),
        }
    }

    /// Without a connection, nothing can have been asked for.
    fn asked(&self, exchanges: Exchanges) -> Exchanges {
        if self.is_connected { exchanges } else { Some(Vec::new()) }
    }

    /// An instance was opened.
    pub(crate) fn opened(&mut self, exchanges: Exchanges) {
        self.open = self.asked(exchanges);
    }

    /// A call about rows was made, that asked for `exchanges`.
    pub(crate) fn called(
        &mut self,
        rows: Range<usize>,
        first_row: u64,
        exchanges: impl FnOnce() -> Exchanges,
        blame: Option<&Blame>,
    ) {
        let Some(blame) = blame else {
            if self.gathers && self.is_connected {
                let exchanges = exchanges();
                self.passed_bytes += exchanges.iter().flatten().map(Exchange::bytes).sum::<usize>();
                // Beyond that, it counts as too much.
                let kept = exchanges.filter(|_| self.passed_bytes <= MAX_HTTP_BYTES);
                self.passed.insert(first_row, kept);
            }
            return;
        };
        let http = self.asked(exchanges());
        let kind = blame.fault.kind();
        if is_kept(kind) && self.failed.iter().all(|failure| failure.seen.kind != kind) {
            let seen = Seen::new(&blame.fault, blame.fuel);
            self.failed.push(Failure { rows, seen, open: self.open.clone(), http });
        }
    }

    /// Keeps what failed in a batch, whose first row is the `first_row`th of the task.
    pub(crate) async fn keep<T: PartialEq, O>(
        &mut self,
        task: &Task,
        history: Option<&History<T>>,
        batch: &Numbered,
        first_row: u64,
        found: &Result<Found<O>, Blame>,
    ) {
        let failed = std::mem::take(&mut self.failed);
        if let (true, Err(blame)) = (failed.is_empty(), found) {
            // It did not come to a call about rows.
            let seen = Seen::new(&blame.fault, blame.fuel);
            self.keep_one(task, history, first_row, seen, None).await;
        }
        for failure in failed {
            let first_row = first_row + failure.rows.start as u64;
            let last = LastCall {
                export: self.export(),
                rows: Some(Arc::new(batch.slice(&failure.rows))),
                open: failure.open,
                http: failure.http,
                blamed: match found {
                    Ok(found) => blamed(found, &failure.rows),
                    Err(_) => Vec::new(),
                },
            };
            self.keep_one(task, history, first_row, failure.seen, Some(last)).await;
        }
    }

    /// Keeps a `finish` that failed.
    pub(crate) async fn keep_end<T: PartialEq>(
        &mut self,
        task: &Task,
        history: Option<&History<T>>,
        exchanges: Exchanges,
        fault: &Fault,
    ) {
        let http = self.asked(exchanges);
        let open = self.open.clone();
        let last = LastCall { export: FINISH, rows: None, open, http, blamed: Vec::new() };
        self.keep_one(task, history, u64::MAX, Seen::new(fault, 0), Some(last)).await;
    }

    fn export(&self) -> &'static str {
        match self.step.plugin.kind() {
            PluginKind::Validator => "check",
            _ => "process",
        }
    }

    /// Keeps one call, unless there are enough, and says so.
    async fn keep_one<T: PartialEq>(
        &self,
        task: &Task,
        history: Option<&History<T>>,
        first_row: u64,
        seen: Seen,
        last: Option<LastCall>,
    ) {
        let (Some(folder), true) = (&task.around.folders.cassettes, is_kept(seen.kind)) else {
            return;
        };
        let (step, split) = (self.step.name.clone(), task.split.clone());
        let number = match folder.admit(&step, &split, first_row, seen.kind) {
            Admission::Kept(number) => number,
            Admission::Known => return,
            Admission::Missed(missed) => {
                let reason = format!(
                    "{MAX_KEPT} are kept of a step and run, {MAX_KEPT_DEADLINES} of them of deadlines"
                );
                let event = Event::CassetteMissed { step, split, missed, reason };
                return task.around.observer.event(event);
            }
        };
        let file =
            folder.folder.join(format!("{}-{step}-{number:02}.{EXTENSION}", task.around.run));
        let kind = seen.kind.name().to_owned();
        let kept = self.record(task, history, first_row, seen, last, folder, &file);
        task.around.observer.event(match Box::pin(kept).await {
            Ok(()) => Event::Cassette { step, split, kind, file },
            Err(error) => {
                let missed = folder.missed(&step);
                Event::CassetteMissed { step, split, missed, reason: chain(&error) }
            }
        });
    }

    #[expect(clippy::too_many_arguments, reason = "each is something else that a call depends on")]
    async fn record<T: PartialEq>(
        &self,
        task: &Task,
        history: Option<&History<T>>,
        first_row: u64,
        seen: Seen,
        last: Option<LastCall>,
        folder: &CassetteFolder,
        file: &Path,
    ) -> Result<(), NotKept> {
        let step = &self.step;
        // All of the pipeline file, not only those of this step: what comes over HTTP may hold any.
        let secrets = &task.around.secrets;
        let mut calls = Vec::new();
        let mut rows = Vec::new();
        if let (Some(history), Some(_)) = (history, &last) {
            let before = history.rows_before(first_row, MAX_ROW_BYTES).await;
            let before = before.map_err(NotKept::History)?.ok_or(NotKept::RowBytes)?;
            for (first_row, part) in before {
                let http = self.passed.get(&first_row).cloned();
                let http = if self.is_connected { http.flatten() } else { Some(Vec::new()) };
                calls.push(call(self.export(), first_row, part.batch.num_rows(), http, secrets)?);
                rows.push(Some(Arc::new(part)));
            }
        }
        let (mut found, mut open) = (Vec::new(), Some(Vec::new()));
        if let Some(last) = last {
            let count = last.rows.as_ref().map_or(0, |rows| rows.batch.num_rows());
            let first_row = if last.rows.is_some() { first_row } else { 0 };
            calls.push(call(last.export, first_row, count, last.http, secrets)?);
            rows.push(last.rows);
            (found, open) = (last.blamed, last.open);
        }
        for blamed in &mut found {
            blamed.message = secrets.apply(&blamed.message);
        }
        let environment = &step.environment;
        let grants = &environment.grants;
        let header = Header {
            format: FORMAT,
            wasmill: env!("CARGO_PKG_VERSION").to_owned(),
            wasmtime: WASMTIME_VERSION.to_owned(),
            component: step.plugin.digest().to_string(),
            kind: step.plugin.kind().name().to_owned(),
            pipeline: step.pipeline.clone(),
            step: step.name.clone(),
            run: task.around.run.clone(),
            split: task.split.clone(),
            attempt: task.attempt.clone(),
            config: step.config.clone(),
            limits: (&environment.limits).into(),
            profile: step.profile.name().to_owned(),
            grants: RecordedGrants {
                http: grants.http.connections().map(str::to_owned).collect(),
                real_clocks: grants.real_clocks,
                real_randomness: grants.real_randomness,
                pure: grants.pure,
            },
            seed: task.seed(&step.name),
            start_time: environment.start_time,
            open_http: redacted(open, secrets)?,
            calls,
            rows: String::new(),
            seen: Seen { message: secrets.apply(&seen.message), ..seen },
            outcome: Outcome::default(),
            blamed: found,
            shrunk: None,
        };
        let mut cassette = Cassette::new(header, &step.input, rows)?;
        let kind = step.plugin.kind();
        let stage = Stage::new(&step.plugin, kind, environment.clone(), secrets.clone())?;
        let outcome = stage.perform(&cassette).await.map_err(NotKept::Output)?;
        if outcome.failed.as_ref().is_some_and(|failed| failed.kind == FaultKind::Busy) {
            return Err(NotKept::Busy);
        }
        cassette.header.outcome = outcome;
        self.keep_component(&folder.folder)?;
        Ok(cassette.write(file)?)
    }

    fn keep_component(&self, folder: &Path) -> Result<(), NotKept> {
        let digest = self.step.plugin.digest();
        let kept = folder.join(component_file(&digest.to_string()));
        if kept.exists() {
            return Ok(());
        }
        let path = &self.step.component;
        let bytes = std::fs::read(path)
            .map_err(|source| NotKept::Component { path: path.clone(), source })?;
        if Digest::of(&bytes) != digest {
            return Err(NotKept::ComponentChanged { path: path.clone() });
        }
        Ok(write_whole(&kept, &bytes)?)
    }
}

fn call(
    export: &str,
    first_row: u64,
    rows: usize,
    http: Exchanges,
    secrets: &Redaction,
) -> Result<CallHeader, NotKept> {
    let http = redacted(http, secrets)?;
    Ok(CallHeader { export: export.to_owned(), first_row, rows, http })
}

fn redacted(exchanges: Exchanges, secrets: &Redaction) -> Result<Vec<RecordedExchange>, NotKept> {
    let exchanges = exchanges.ok_or(NotKept::HttpBytes)?;
    let redacted = |exchange| redact::exchange(secrets, exchange).into();
    Ok(exchanges.into_iter().map(redacted).collect())
}

/// The call that failed.
struct LastCall {
    export: &'static str,
    rows: Option<Arc<Numbered>>,
    open: Exchanges,
    http: Exchanges,
    blamed: Vec<Blamed>,
}

/// Whether a fault is the plugin's, on its rows: what is to blame for others is not in any cassette.
fn is_kept(kind: FaultKind) -> bool {
    !matches!(kind, FaultKind::Busy | FaultKind::Host | FaultKind::Unrepeatable)
}

/// The rows that were found to fail by themselves, counted from the first of `rows`.
fn blamed<O>(found: &Found<O>, rows: &Range<usize>) -> Vec<Blamed> {
    let pieces = found.pieces.iter().filter(|(range, _)| rows.contains(&range.start));
    pieces
        .filter_map(|(range, result)| {
            let fault = &result.as_ref().err()?.fault;
            let row = range.start - rows.start;
            Some(Blamed { row, kind: fault.kind(), message: chain(fault) })
        })
        .collect()
}
