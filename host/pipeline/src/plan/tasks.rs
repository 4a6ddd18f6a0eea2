//! From a lane and a descriptor to the plan of one task.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::ExecutionPlan;

use crate::checked::{CheckedPipeline, SqlWork, Step, Work};
use crate::exec::read_splits::{SourceSplits, SplitReader, read_splits};
use crate::exec::sql::Engine;
use crate::exec::stage::StageNode;
use crate::exec::staged::{StagedSplit, StagedSplits};
use crate::exec::tables::StepTable;
use crate::exec::task::{Task, Tasks};
use crate::exec::transform::TransformNode;
use crate::exec::unary::UnaryExec;
use crate::exec::validate::ValidateNode;
use crate::plan::{Lane, Origin, Phase};
use wasmill_sandbox::contract::binding::Scope;

/// The files that phases staged, by the step at their end, in the order of their splits.
pub(crate) type StagedFiles = BTreeMap<String, Vec<PathBuf>>;

/// Makes the plans of tasks.
pub(crate) struct TaskPlanner<'a> {
    pub(crate) pipeline: &'a CheckedPipeline,
    pub(crate) engine: &'a Engine,
    pub(crate) staged: &'a StagedFiles,
}

impl TaskPlanner<'_> {
    /// The descriptors of a lane's splits that read staged rows; the splits of a source come from the source itself.
    pub(crate) fn staged_splits(&self, lane: &Lane) -> Vec<StagedSplit> {
        match &lane.origin {
            Origin::Source(_) => Vec::new(),
            Origin::Parts(step) => {
                self.files(step).into_iter().map(|file| StagedSplit::Part { file }).collect()
            }
            Origin::Shares(of) => {
                let files = self.input_files(&lane.steps[0]);
                let share = |share| StagedSplit::Share { files: files.clone(), share, of: *of };
                (0..*of).map(share).collect()
            }
            Origin::Whole => {
                vec![StagedSplit::Share {
                    files: self.input_files(&lane.steps[0]),
                    share: 0,
                    of: 1,
                }]
            }
        }
    }

    /// The plan of one task: it returns one manifest.
    pub(crate) async fn plan(
        &self,
        phase: &Phase,
        lane: &Lane,
        descriptor: &str,
        task: &Arc<Task>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let tasks: Tasks = Arc::new([Arc::clone(task)]);
        let descriptors = [vec![descriptor.to_owned()]];
        let (mut plan, mut schema, steps) = match &lane.origin {
            Origin::Source(name) => {
                let step = self.step(name)?;
                let Work::Source(work) = &step.work else {
                    return Err(misplanned(name));
                };
                let reader: Arc<dyn SplitReader> = Arc::new(SourceSplits {
                    step: name.clone(),
                    visible: Arc::clone(&step.schema),
                    work: Arc::clone(work),
                    batch_rows: self.pipeline.settings.batch_rows,
                });
                let plan = read_splits(reader, &descriptors, Some(Arc::clone(&tasks)))?;
                (plan, Arc::clone(&step.schema), &lane.steps[..])
            }
            Origin::Parts(name) => {
                let schema = Arc::clone(&self.step(name)?.schema);
                let reader = staged_reader(name, &schema, Vec::new());
                (read_splits(reader, &descriptors, None)?, schema, &lane.steps[..])
            }
            Origin::Shares(_) => {
                let step = self.step(&lane.steps[0])?;
                let Work::Transform(work) = &step.work else {
                    return Err(misplanned(&step.name));
                };
                let key = match &work.binding.scope {
                    Scope::Keyed(key) => key.clone(),
                    Scope::Rows | Scope::Single => Vec::new(),
                };
                let schema = Arc::clone(&work.binding.input);
                let reader = staged_reader(&step.name, &schema, key);
                (read_splits(reader, &descriptors, None)?, schema, &lane.steps[..])
            }
            Origin::Whole => {
                let step = self.step(&lane.steps[0])?;
                let Work::Sql(work) = &step.work else {
                    return Err(misplanned(&step.name));
                };
                let plan = self.query(step, work, None, &tasks).await?;
                (plan, Arc::clone(&step.schema), &lane.steps[1..])
            }
        };
        for name in steps {
            let step = self.step(name)?;
            plan = self.append(step, plan, &schema, &tasks).await?;
            schema = Arc::clone(&step.schema);
        }
        let sinks = phase.sinks.iter().map(|name| Arc::clone(&self.pipeline.sinks[name])).collect();
        let stage = StageNode {
            step: phase.end.clone(),
            visible: schema,
            for_later: phase.for_later,
            sinks,
            tasks,
        };
        Ok(UnaryExec::plan(stage, plan))
    }

    /// Adds a step that works split by split on rows of `schema`.
    async fn append(
        &self,
        step: &Step,
        plan: Arc<dyn ExecutionPlan>,
        schema: &SchemaRef,
        tasks: &Tasks,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (name, tasks) = (step.name.clone(), Arc::clone(tasks));
        let shadow = self.pipeline.shadow_of(&name);
        match &step.work {
            Work::Source(_) => Err(misplanned(&name)),
            Work::Transform(work) => {
                let work = Arc::clone(work);
                Ok(UnaryExec::plan(TransformNode { step: name, work, tasks, shadow }, plan))
            }
            Work::Validate(work) => {
                let work = Arc::clone(work);
                Ok(UnaryExec::plan(ValidateNode { step: name, work, tasks, shadow }, plan))
            }
            Work::Sql(work) => {
                let streamed = StepTable::new(Arc::clone(schema), plan);
                self.query(step, work, Some(streamed), &tasks).await
            }
        }
    }

    /// A query over staged rows; `streamed` stands for the input that is streamed.
    async fn query(
        &self,
        step: &Step,
        work: &SqlWork,
        mut streamed: Option<StepTable>,
        tasks: &Tasks,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut inputs = Vec::with_capacity(step.inputs.len());
        for name in &step.inputs {
            let table = match streamed.take_if(|_| work.streamed.as_ref() == Some(name)) {
                Some(table) => table,
                None => {
                    let schema = Arc::clone(&self.step(name)?.schema);
                    let all = StagedSplit::Share { files: self.files(name), share: 0, of: 1 };
                    let reader = staged_reader(name, &schema, Vec::new());
                    let rows = read_splits(reader, &[vec![descriptor(&all)?]], None)?;
                    StepTable::new(schema, rows)
                }
            };
            inputs.push((name.clone(), table));
        }
        self.engine.query(&step.name, work, &step.schema, inputs, tasks).await
    }

    fn step(&self, name: &str) -> Result<&Step> {
        self.pipeline.steps.get(name).ok_or_else(|| misplanned(name))
    }

    fn files(&self, step: &str) -> Vec<PathBuf> {
        self.staged.get(step).cloned().unwrap_or_default()
    }

    fn input_files(&self, step: &str) -> Vec<PathBuf> {
        let inputs = self.pipeline.steps.get(step).map(|step| &step.inputs[..]).unwrap_or_default();
        inputs.iter().flat_map(|input| self.files(input)).collect()
    }
}

/// A descriptor as it is kept and passed on.
pub(crate) fn descriptor<D: serde::Serialize>(split: &D) -> Result<String> {
    serde_json::to_string(split).map_err(|error| DataFusionError::External(Box::new(error)))
}

fn staged_reader(step: &str, visible: &SchemaRef, key: Vec<usize>) -> Arc<dyn SplitReader> {
    Arc::new(StagedSplits { step: step.to_owned(), visible: Arc::clone(visible), key })
}

fn misplanned(step: &str) -> DataFusionError {
    DataFusionError::Internal(format!("`{step}` is planned where it does not belong"))
}
