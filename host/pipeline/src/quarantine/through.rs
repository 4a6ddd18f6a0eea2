//! The pipeline of a replay: what of a pipeline rows that were held back go through, from the step that held them on.
//!
//! - A step is **live** when it held rows that are to be put through, or a live step streams into it. It keeps the inputs that
//!   are live, and those in which it looks things up.
//! - The rows come in by sources of their own: `STEP.held` among the inputs of the step. A source that held records reads them
//!   instead of what it reads otherwise.
//! - What is looked up comes from steps that are not live; they read their sources again. Rows that these hold back are none of
//!   this run's: they were held back when they were first read, and are left out.
//! - A step that needs all rows of a table or of a key cannot be live: it would take some for all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use indexmap::IndexMap;
use wasmill_connect::error::ConnectError;
use wasmill_connect::source::Source;
use wasmill_sandbox::contract::binding::Scope;

use crate::checked::{CheckedPipeline, SinkStep, SourceReader, SourceWork, Step, Work};
use crate::exec::quarantine::raw_fields;
use crate::file::sections::BadRowPolicy;
use crate::plan::{Flow, flow};
use crate::quarantine::file::HeldFile;
use crate::quarantine::source::{HeldRecordsSource, HeldRowsSource, HeldSplit};

/// Of a pipeline that puts rows through again.
pub(crate) struct Replay {
    /// The run that held them back.
    pub(crate) of: String,
    /// The run whose table they belong to: `of`, or where that is a replay itself, the run of which it is.
    pub(crate) origin: String,
    /// The pipeline of runs that are none.
    pub(crate) whole: CheckedPipeline,
    /// The steps in whose rows others look things up.
    pub(crate) lookups: BTreeSet<String>,
}

/// Rows of a run that are to be put through, by the step that held them back.
pub(crate) type RowsByStep = BTreeMap<String, Vec<HeldSplit>>;

/// Why rows cannot be put through the pipeline.
#[derive(Debug, thiserror::Error)]
pub enum NotThrough {
    #[error("step `{step}`, which held rows back, is gone from the pipeline")]
    Gone { step: String },
    #[error("`{step}` holds back no rows of this kind any more: it is another kind of step now")]
    OtherKind { step: String },
    #[error("`{step}` needs all rows{}, and would take those of the quarantine for all", .key.as_ref().map(|key| format!(" of {key}")).unwrap_or_default())]
    NeedsAllRows { step: String, key: Option<String> },
    #[error(
        "`{step}` looks things up in `{input}`, which rows of the quarantine would go through: it would take them for all"
    )]
    LooksUp { step: String, input: String },
    #[error(
        "records that source `{step}` held back cannot be read again: they were kept for people, and not as they were found"
    )]
    NotReread { step: String },
    #[error("rows that `{step}` held back do not have the columns that it takes: {}", .differences.join("; "))]
    Columns { step: String, differences: Vec<String> },
    #[error(transparent)]
    File(#[from] ConnectError),
}

impl NotThrough {
    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::File(_) => 74,
            _ => 78,
        }
    }

    /// What a person can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NeedsAllRows { .. } | Self::LooksUp { .. } => {
                Some("run the pipeline again instead; --step puts only rows of other steps through")
            }
            Self::NotReread { .. } => Some(
                "`wasmill quarantine export` takes them to a file; --step puts only rows of other steps through",
            ),
            Self::Gone { .. } | Self::OtherKind { .. } | Self::Columns { .. } => Some(
                "put it back, or `wasmill quarantine export` takes the rows to a file; --step puts only rows of other steps through",
            ),
            Self::File(_) => None,
        }
    }
}

impl CheckedPipeline {
    /// The pipeline that rows of the quarantine of run `of` go through; `origin` is the run whose table they belong to.
    pub(crate) fn putting_through(
        self,
        of: &str,
        origin: &str,
        held: RowsByStep,
    ) -> Result<Self, NotThrough> {
        let is_known =
            |step: &String| self.steps.contains_key(step) || self.sinks.contains_key(step);
        if let Some(step) = held.keys().find(|step| !is_known(step)) {
            return Err(NotThrough::Gone { step: step.clone() });
        }
        let live = live_steps(&self, &held)?;
        let lookups = lookups(&self, &live);
        let mut steps = IndexMap::new();
        for (name, step) in &self.steps {
            let is_live = live.contains(name.as_str());
            if !is_live && !lookups.contains(name) {
                continue;
            }
            let mut step = step.clone();
            if is_live {
                let flow = flow(&step);
                step.inputs.retain(|input| live.contains(input.as_str()) || looks_up(&flow, input));
            }
            if let Some(splits) = held.get(name) {
                match held_step(&step, splits)? {
                    Entry::Source(work) => step.work = Work::Source(Arc::new(work)),
                    Entry::Beside(source) => {
                        step.inputs.push(source.name.clone());
                        steps.insert(source.name.clone(), source);
                    }
                }
            }
            steps.insert(name.clone(), step);
        }
        let mut sinks = IndexMap::new();
        for (name, sink) in &self.sinks {
            let mut inputs = sink.inputs.clone();
            inputs.retain(|input| live.contains(input.as_str()));
            if let Some(splits) = held.get(name) {
                let source = held_rows(name, &sink.schema, splits)?;
                inputs.push(source.name.clone());
                steps.insert(source.name.clone(), source);
            }
            if !inputs.is_empty() {
                let (schema, target) = (Arc::clone(&sink.schema), sink.target.clone());
                let sink = SinkStep { name: name.clone(), inputs, schema, target };
                sinks.insert(name.clone(), Arc::new(sink));
            }
        }
        let replay =
            Replay { of: of.to_owned(), origin: origin.to_owned(), whole: self.clone(), lookups };
        Ok(Self { steps, sinks, replay: Some(Arc::new(replay)), ..self })
    }

    /// The pipeline of a replay of which all is done but publishing: only its sinks matter.
    pub(crate) fn publishing_of(self, of: &str, origin: &str, sinks: &BTreeSet<String>) -> Self {
        let (of, origin, lookups) = (of.to_owned(), origin.to_owned(), BTreeSet::new());
        let replay = Replay { of, origin, whole: self.clone(), lookups };
        let mut pipeline = Self { replay: Some(Arc::new(replay)), ..self };
        pipeline.sinks.retain(|name, _| sinks.contains(name));
        pipeline
    }

    /// The pipeline of runs that put no rows of the quarantine through.
    pub(crate) fn whole(&self) -> &Self {
        self.replay.as_ref().map_or(self, |replay| &replay.whole)
    }
}

/// The steps that rows of the quarantine go through.
fn live_steps<'a>(
    pipeline: &'a CheckedPipeline,
    held: &RowsByStep,
) -> Result<BTreeSet<&'a str>, NotThrough> {
    let mut live: BTreeSet<&str> = BTreeSet::new();
    for (name, step) in &pipeline.steps {
        let is_live = |input: &&String| live.contains(input.as_str());
        let holds = held.contains_key(name);
        match flow(step) {
            Flow::Source | Flow::Through => {
                if !holds && !step.inputs.iter().any(|input| is_live(&input)) {
                    continue;
                }
            }
            Flow::Over(streamed) => {
                let inputs = step.inputs.iter().filter(|input| **input != streamed);
                if let Some(input) = inputs.clone().find(is_live) {
                    let (step, input) = (name.clone(), input.clone());
                    return Err(NotThrough::LooksUp { step, input });
                }
                if holds {
                    return Err(NotThrough::OtherKind { step: name.clone() });
                }
                if !is_live(&&streamed) {
                    continue;
                }
            }
            Flow::Shares(_) | Flow::Whole => {
                if !holds && !step.inputs.iter().any(|input| is_live(&input)) {
                    continue;
                }
                return Err(NotThrough::NeedsAllRows { step: name.clone(), key: key_of(step) });
            }
        }
        live.insert(name);
    }
    Ok(live)
}

/// The steps in whose rows live steps look things up, with all that these read.
fn lookups(pipeline: &CheckedPipeline, live: &BTreeSet<&str>) -> BTreeSet<String> {
    let mut lookups = BTreeSet::new();
    // From the last to the first: each comes after those that read it.
    for (name, step) in pipeline.steps.iter().rev() {
        let is_live = live.contains(name.as_str());
        if !is_live && !lookups.contains(name) {
            continue;
        }
        let flow = flow(step);
        lookups
            .extend(step.inputs.iter().filter(|input| !is_live || looks_up(&flow, input)).cloned());
    }
    lookups
}

fn looks_up(flow: &Flow, input: &str) -> bool {
    matches!(flow, Flow::Over(streamed) if streamed != input)
}

/// The columns of a plugin that needs all rows of a key.
fn key_of(step: &Step) -> Option<String> {
    let Work::Transform(work) = &step.work else { return None };
    let Scope::Keyed(key) = &work.binding.scope else { return None };
    let names = key.iter().map(|&column| format!("`{}`", work.binding.input.field(column).name()));
    Some(names.collect::<Vec<_>>().join(", "))
}

/// How rows come into the step that held them.
enum Entry {
    /// It is a source, and reads them itself.
    Source(SourceWork),
    /// A source beside it reads them.
    Beside(Step),
}

fn held_step(step: &Step, splits: &[HeldSplit]) -> Result<Entry, NotThrough> {
    let schema = match &step.work {
        Work::Source(work) => {
            let SourceReader::Connector(connector) = &work.reader else {
                return Err(NotThrough::NotReread { step: step.name.clone() });
            };
            if !connector.can_reread() {
                return Err(NotThrough::NotReread { step: step.name.clone() });
            }
            for split in splits {
                if HeldFile::open(split.file())?.row_fields()? != raw_fields() {
                    return Err(NotThrough::OtherKind { step: step.name.clone() });
                }
            }
            let connector = Arc::clone(connector);
            let source: Arc<dyn Source> =
                Arc::new(HeldRecordsSource { connector, splits: splits.to_vec() });
            let reader = SourceReader::Connector(source);
            return Ok(Entry::Source(SourceWork { reader, on_bad_row: work.on_bad_row }));
        }
        Work::Transform(work) => &work.binding.input,
        Work::Validate(work) => &work.binding.input,
        Work::Sql(_) => return Err(NotThrough::OtherKind { step: step.name.clone() }),
    };
    held_rows(&step.name, schema, splits).map(Entry::Beside)
}

/// The source of rows that a step or a sink held back.
fn held_rows(step: &str, schema: &SchemaRef, splits: &[HeldSplit]) -> Result<Step, NotThrough> {
    let source = HeldRowsSource::new(Arc::clone(schema), splits.to_vec())?;
    let source =
        source.map_err(|differences| NotThrough::Columns { step: step.to_owned(), differences })?;
    let reader = SourceReader::Connector(Arc::new(source));
    let work = SourceWork { reader, on_bad_row: BadRowPolicy::Quarantine };
    Ok(Step {
        name: format!("{step}.held"),
        inputs: Vec::new(),
        schema: Arc::clone(schema),
        work: Work::Source(Arc::new(work)),
    })
}
