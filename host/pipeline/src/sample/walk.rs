//! Puts the first rows of sources through the steps, one step after another, and keeps what came of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt as _;
use indexmap::IndexMap;
use wasmill_sandbox::contract::binding::Scope;
use wasmill_sandbox::contract::processed::Processed;

use crate::checked::{
    CheckedPipeline, SourceWork, SqlWork, Step, TransformWork, ValidateWork, Work,
};
use crate::columns::{ColumnUse, columns_of};
use crate::error::step_error;
use crate::exec::history::History;
use crate::exec::instance::Instance;
use crate::exec::quarantine::Reason;
use crate::exec::rows::{Numbered, with_row};
use crate::exec::sql::Engine;
use crate::exec::tables::StepTable;
use crate::exec::task::{Folders, Surroundings, Task, Tasks};
use crate::exec::transform::TransformNode;
use crate::exec::unary::Input;
use crate::exec::validate::ValidateNode;
use crate::file::secrets::Redaction;
use crate::file::sections::{BadRowPolicy, ViolationPolicy};
use crate::metrics::Meters;
use crate::plan::{Phase, phases};
use crate::run::failure::RunFailure;
use crate::run::open::RunError;
use crate::run::summary::RunProblem;
use crate::sample::passage::{Passage, Policies, first_rows, paired};
use crate::sample::reading::{Part, Read, read};
use crate::sample::report::{Outcome, SampleReport, SourceSample, StepSample, TableSample};
use crate::sample::windows::windows;
use crate::sample::{SampleError, Sampling};

/// A way through a pipeline.
pub(super) struct Walk<'a> {
    pipeline: &'a CheckedPipeline,
    sampling: &'a Sampling,
    shown: &'a BTreeSet<String>,
    /// How many rows of each step that is needed.
    windows: BTreeMap<String, usize>,
    phases: Vec<Phase>,
    around: Arc<Surroundings>,
    engine: Engine,
}

/// The rows of the steps so far; of a step that failed, and of those behind it, the name of the one that failed.
type Rows = IndexMap<String, Result<Vec<Part>, String>>;

impl<'a> Walk<'a> {
    /// `folder` is for what must lie on disk.
    pub(super) fn new(
        pipeline: &'a CheckedPipeline,
        sampling: &'a Sampling,
        shown: &'a BTreeSet<String>,
        folder: &Path,
    ) -> Result<Self, SampleError> {
        let engine = Engine::new(&pipeline.settings, folder)
            .map_err(|error| RunError::Host(error.strip_backtrace()))?;
        let folders =
            Folders { scratch: folder.to_owned(), quarantine: folder.to_owned(), cassettes: None };
        let around = Surroundings {
            run: "sample".to_owned(),
            folders,
            observer: Arc::new(()),
            seed: pipeline.settings.seed,
            breakers: BTreeMap::new(),
            // Without steps: nothing is counted.
            meters: Arc::new(Meters::new("", "")),
            secrets: pipeline.secrets.clone(),
            lookups: BTreeSet::new(),
        };
        Ok(Self {
            pipeline,
            sampling,
            shown,
            windows: windows(&pipeline.steps, shown, sampling.read.max(sampling.rows)),
            phases: phases(pipeline),
            around: Arc::new(around),
            engine,
        })
    }

    /// Goes all the way.
    pub(super) async fn report(&self) -> SampleReport {
        let mut rows = Rows::new();
        let (mut sources, mut steps) = (Vec::new(), Vec::new());
        for step in self.pipeline.steps.values() {
            let Some(&window) = self.windows.get(&step.name) else { continue };
            let given = match &step.work {
                Work::Source(work) => {
                    let (source, given) = self.source(step, work, window).await;
                    sources.push(source);
                    given
                }
                _ => {
                    let (outcome, given) = self.step(step, &rows).await;
                    if self.shown.contains(&step.name) {
                        steps.push(self.sample(step, outcome));
                    }
                    given
                }
            };
            rows.insert(step.name.clone(), given);
        }
        SampleReport { pipeline: self.pipeline.name.clone(), sources, steps }
    }

    fn sample(&self, step: &Step, outcome: Outcome) -> StepSample {
        StepSample {
            step: step.name.clone(),
            kind: match &step.work {
                Work::Source(_) => "source",
                Work::Transform(_) => "transform",
                Work::Sql(_) => "sql",
                Work::Validate(_) => "validator",
            },
            inputs: step.inputs.clone(),
            columns: self.columns(step),
            outcome,
        }
    }

    fn columns(&self, step: &Step) -> Vec<ColumnUse> {
        columns_of(step, &self.pipeline.steps)
    }

    async fn source(
        &self,
        step: &Step,
        work: &SourceWork,
        window: usize,
    ) -> (SourceSample, Result<Vec<Part>, String>) {
        let seed = |split: &str| self.task(step, split).seed(&step.name);
        let batch_rows = self.pipeline.settings.batch_rows;
        let (read, problem) = match read(step, work, batch_rows, seed, window).await {
            Ok(read) => (read, None),
            Err(failure) => (Read::default(), Some(self.problem(&failure))),
        };
        let given = match &problem {
            None => Ok(read.parts),
            Some(_) => Err(step.name.clone()),
        };
        let source = SourceSample {
            source: step.name.clone(),
            rows: read.rows as u64,
            is_whole: read.is_whole,
            refused_records: read.refused_records,
            refused: read.refused,
            on_bad_row: bad_row(work.on_bad_row),
            problem,
        };
        (source, given)
    }

    async fn step(&self, step: &Step, rows: &Rows) -> (Outcome, Result<Vec<Part>, String>) {
        let mut inputs = Vec::new();
        for input in &step.inputs {
            match &rows[input] {
                Ok(parts) => inputs.push((input.as_str(), &parts[..])),
                Err(failed) => {
                    let step = failed.clone();
                    return (Outcome::NotReached { step }, Err(failed.clone()));
                }
            }
        }
        let worked = match &step.work {
            Work::Source(_) => {
                let message = format!("the source `{}` is taken for a step", step.name);
                Err(DataFusionError::Internal(message))
            }
            Work::Transform(work) => self.transform(step, work, &inputs).await,
            Work::Validate(work) => self.validate(step, work, &inputs).await,
            Work::Sql(work) => self.query(step, work, &inputs).await,
        };
        match worked {
            Ok((outcome, parts)) => (outcome, Ok(parts)),
            Err(error) => {
                let failure = RunFailure::from(step_error(&step.name, &error));
                (Outcome::Failed { problem: self.problem(&failure) }, Err(step.name.clone()))
            }
        }
    }

    fn problem(&self, failure: &RunFailure) -> RunProblem {
        RunProblem::new(failure, &self.around.run, &self.around.secrets)
    }

    /// A task as a run would have it: with the same seeds.
    fn task(&self, step: &Step, split: &str) -> Arc<Task> {
        let name = step.name.as_str();
        let holds = |phase: &&Phase| {
            let mut lanes = phase.lanes.iter();
            lanes.any(|lane| {
                lane.source() == Some(name) || lane.steps.iter().any(|step| step == name)
            })
        };
        let phase = self.phases.iter().find(holds).map_or(name, |phase| &phase.end);
        Task::new(Arc::clone(&self.around), phase, split)
    }

    async fn transform(
        &self,
        step: &Step,
        work: &Arc<TransformWork>,
        inputs: &[(&str, &[Part])],
    ) -> Result<(Outcome, Vec<Part>), DataFusionError> {
        let columns = self.columns(step);
        let (mut passages, mut detached, mut given) = (Vec::new(), Vec::new(), Vec::new());
        let gathers = work.binding.scope != Scope::Rows;
        for (split, parts) in groups(step, inputs, &work.binding.input, gathers)? {
            let task = self.task(step, &split);
            let history = match gathers {
                true => {
                    let rows = memory(parts.iter().map(|(_, part)| part), &work.binding.input)?;
                    let input = Input::new(rows, 0, self.engine.task_context());
                    Some(History::new(input, Arc::clone(&work.binding.input)))
                }
                false => None,
            };
            let tasks: Tasks = Arc::new([Arc::clone(&task)]);
            let (name, work) = (step.name.clone(), Arc::clone(work));
            let node = TransformNode { step: name, work, tasks, shadow: None };
            let mut instance = Instance::new(Arc::new(node), task, history);
            let mut first_row = 0;
            for (input, part) in parts {
                let found = instance.pieces(&part.rows, first_row).await;
                first_row += part.rows.batch.num_rows() as u64;
                let pieces = match found {
                    Ok(pieces) => pieces,
                    Err(blame) => return Err(instance.fault(blame.fault).await),
                };
                let mut passage = Passage::new(input, &part);
                for (range, result) in pieces {
                    match result {
                        Ok(processed) => {
                            passage.find(range.start, &processed.bad_rows, false, self.secrets());
                            let rows = part.rows.slice(&range);
                            let outputs = (&mut passage, &mut detached, &mut given);
                            take_in(processed, &rows, range.start, &split, &columns, outputs)?;
                        }
                        Err(mut blame) => {
                            instance.explain(&mut blame, &part.rows.slice(&range)).await;
                            let reason = Reason::of_fault(&blame.fault, self.secrets());
                            passage.blame(range.start, reason);
                        }
                    }
                }
                passages.push(passage);
            }
            let mut open = match instance.take().await {
                Ok(open) => open,
                Err(blame) => return Err(instance.fault(blame.fault).await),
            };
            let finished = match open.finish().await {
                Ok(finished) => finished,
                Err(fault) => return Err(instance.fault(fault).await),
            };
            for output in finished.outputs {
                given.push(made(&split, &output.batch));
                detached.push(output.batch);
            }
        }
        let policies =
            Policies { on_rejected: bad_row(work.on_bad_row), on_fault: bad_row(work.on_fault) };
        let (shown, secrets) = (self.shown_rows(), self.secrets());
        let rows = paired(&passages, &detached, &columns, policies, shown, secrets)?;
        Ok((Outcome::Paired(Box::new(rows)), given))
    }

    async fn validate(
        &self,
        step: &Step,
        work: &Arc<ValidateWork>,
        inputs: &[(&str, &[Part])],
    ) -> Result<(Outcome, Vec<Part>), DataFusionError> {
        let columns = self.columns(step);
        let only_warns = work.on_violation == ViolationPolicy::Warn;
        let (mut passages, mut given) = (Vec::new(), Vec::new());
        for (split, parts) in groups(step, inputs, &work.binding.input, false)? {
            let task = self.task(step, &split);
            let tasks: Tasks = Arc::new([Arc::clone(&task)]);
            let (name, work) = (step.name.clone(), Arc::clone(work));
            let node = ValidateNode { step: name, work, tasks, shadow: None };
            let mut instance = Instance::new(Arc::new(node), task, None);
            let mut first_row = 0;
            for (input, part) in parts {
                let found = instance.pieces(&part.rows, first_row).await;
                first_row += part.rows.batch.num_rows() as u64;
                let pieces = match found {
                    Ok(pieces) => pieces,
                    Err(blame) => return Err(instance.fault(blame.fault).await),
                };
                let mut passage = Passage::new(input, &part);
                for (range, result) in pieces {
                    match result {
                        Ok(verdict) => {
                            let secrets = self.secrets();
                            passage.find(range.start, &verdict.rejected, only_warns, secrets);
                            passage.find(range.start, &verdict.warned, true, secrets);
                        }
                        Err(mut blame) => {
                            instance.explain(&mut blame, &part.rows.slice(&range)).await;
                            let reason = Reason::of_fault(&blame.fault, self.secrets());
                            passage.blame(range.start, reason);
                        }
                    }
                }
                let rows = part.rows.batch.num_rows();
                let passing: Vec<bool> = (0..rows).map(|row| passage.may_pass(row)).collect();
                let origins = (0..rows as u32).filter(|row| passing[*row as usize]).collect();
                let mask = BooleanArray::from(passing);
                let batch = filter_record_batch(&part.rows.batch, &mask)?;
                let numbers = arrow::compute::filter(&part.rows.rows, &mask)?;
                let passed = Numbered { batch: batch.clone(), rows: numbers };
                given.push(Part { split: split.clone(), rows: Arc::new(passed) });
                passage.came(batch, origins, &columns)?;
                passages.push(passage);
            }
            instance.end();
        }
        let policies = Policies {
            on_rejected: match work.on_violation {
                ViolationPolicy::Quarantine => "quarantine",
                ViolationPolicy::Drop => "drop",
                ViolationPolicy::Fail => "fail",
                ViolationPolicy::Warn => "warn",
            },
            on_fault: bad_row(work.on_fault),
        };
        let rows = paired(&passages, &[], &columns, policies, self.shown_rows(), self.secrets())?;
        Ok((Outcome::Paired(Box::new(rows)), given))
    }

    async fn query(
        &self,
        step: &Step,
        work: &SqlWork,
        inputs: &[(&str, &[Part])],
    ) -> Result<(Outcome, Vec<Part>), DataFusionError> {
        let split = format!("{}-00000", step.name);
        let tasks: Tasks = Arc::new([self.task(step, &split)]);
        let mut tables = Vec::new();
        for (input, parts) in inputs {
            let schema = Arc::clone(&self.pipeline.steps[*input].schema);
            let parts = conforming(parts.iter(), &schema)?;
            let rows = memory(parts.iter(), &schema)?;
            tables.push(((*input).to_owned(), StepTable::new(schema, rows)));
        }
        let plan = self.engine.query(&step.name, work, &step.schema, tables, &tasks).await?;
        let batches = plan.execute(0, self.engine.task_context())?;
        let mut given = Vec::new();
        for batch in batches.try_collect::<Vec<_>>().await? {
            let rows = Arc::new(Numbered::detach(&batch, &step.schema)?);
            given.push(Part { split: split.clone(), rows });
        }
        let input_rows = inputs.iter().map(|(input, parts)| self.table(input, parts));
        let input_rows = input_rows.collect::<Result<_, ArrowError>>()?;
        let output_rows = self.table(&step.name, &given)?;
        Ok((Outcome::Apart { input_rows, output_rows }, given))
    }

    fn table(&self, step: &str, parts: &[Part]) -> Result<TableSample, ArrowError> {
        let batches = parts.iter().map(|part| &part.rows.batch);
        Ok(TableSample {
            step: step.to_owned(),
            rows: batches.clone().map(|batch| batch.num_rows() as u64).sum(),
            shown: first_rows(batches, self.sampling.rows, self.secrets())?,
        })
    }

    fn secrets(&self) -> &Redaction {
        &self.around.secrets
    }

    fn shown_rows(&self) -> (usize, bool) {
        (self.sampling.rows, self.sampling.as_they_come)
    }
}

/// What goes through one instance: the split that it is of, and the rows with the input that they come from.
type Group<'a> = (String, Vec<(&'a str, Part)>);

/// The rows of a step by instance: one for each split of each input, or one for all where the plugin gathers.
fn groups<'a>(
    step: &Step,
    inputs: &[(&'a str, &[Part])],
    schema: &SchemaRef,
    gathers: bool,
) -> Result<Vec<Group<'a>>, ArrowError> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    let mut last = None;
    if gathers {
        groups.push((format!("{}-00000", step.name), Vec::new()));
    }
    for (input, parts) in inputs {
        for part in conforming(parts.iter(), schema)? {
            let place = Some((*input, part.split.clone()));
            if !gathers && place != last {
                groups.push((part.split.clone(), Vec::new()));
                last = place;
            }
            if let Some((_, parts)) = groups.last_mut() {
                parts.push((input, part));
            }
        }
    }
    Ok(groups)
}

/// Rows under a schema that may be more nullable than theirs. Batches without rows are left out, as in a run.
fn conforming<'a>(
    parts: impl Iterator<Item = &'a Part>,
    schema: &SchemaRef,
) -> Result<Vec<Part>, ArrowError> {
    let parts = parts.filter(|part| part.rows.batch.num_rows() > 0);
    let conformed = parts.map(|part| {
        let Numbered { batch, rows } = &*part.rows;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
        let rows = Arc::new(Numbered { batch, rows: Arc::clone(rows) });
        Ok(Part { split: part.split.clone(), rows })
    });
    conformed.collect()
}

/// A plan that gives rows that are in memory, with their positions.
fn memory<'a>(
    parts: impl Iterator<Item = &'a Part>,
    schema: &SchemaRef,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let schema = with_row(schema);
    let batches = parts.map(|part| {
        let Numbered { batch, rows } = &*part.rows;
        Numbered { batch: batch.clone(), rows: Arc::clone(rows) }.attach(&schema)
    });
    let batches = batches.collect::<Result<Vec<_>, ArrowError>>()?;
    Ok(MemorySourceConfig::try_new_exec(&[batches], schema, None)?)
}

/// Where the rows that a transformer gives are put: beside those that they come of, among those that come of none, and
/// on the way to the next steps.
type Outputs<'a> = (&'a mut Passage, &'a mut Vec<RecordBatch>, &'a mut Vec<Part>);

fn take_in(
    processed: Processed,
    rows: &Numbered,
    start: usize,
    split: &str,
    columns: &[ColumnUse],
    (passage, detached, given): Outputs<'_>,
) -> Result<(), ArrowError> {
    for output in processed.outputs {
        if output.rows.is_detached() {
            given.push(made(split, &output.batch));
            detached.push(output.batch);
            continue;
        }
        let numbers = output.rows.apply(&rows.rows)?;
        let numbered = Numbered { batch: output.batch.clone(), rows: numbers };
        given.push(Part { split: split.to_owned(), rows: Arc::new(numbered) });
        let mut origins = Vec::with_capacity(output.rows.len());
        output.rows.for_each_input_row(|row| origins.push((start + row) as u32));
        passage.came(output.batch, origins, columns)?;
    }
    Ok(())
}

/// Rows that come of no row.
fn made(split: &str, batch: &RecordBatch) -> Part {
    let rows = Arc::new(UInt64Array::new_null(batch.num_rows()));
    Part { split: split.to_owned(), rows: Arc::new(Numbered { batch: batch.clone(), rows }) }
}

fn bad_row(policy: BadRowPolicy) -> &'static str {
    match policy {
        BadRowPolicy::Quarantine => "quarantine",
        BadRowPolicy::Drop => "drop",
        BadRowPolicy::Fail => "fail",
    }
}
