//! Reading splits: a stream of descriptors becomes a stream of rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use wasmill_connect::error::ConnectError;
use wasmill_connect::source::{BadRecord, Source, SourceBatch, SourceSplit};
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::contract::extracted::{ExtractBinding, ExtractSplit, Extracted};
use wasmill_sandbox::extractor::{Extractor, OpenExtractor};

use crate::checked::{SourceReader, SourceWork};
use crate::error::StepError;
use crate::exec::rows::{Numbered, counted, with_row};
use crate::exec::task::{StepCounts, Task, TaskCursor, Tasks};
use crate::exec::unary::{Batches, Input, UnaryExec, UnaryWork, stream};
use crate::file::sections::BadRowPolicy;
use crate::policy::breaker::{Admission, Permit};

/// Reads the rows that a descriptor stands for.
pub(crate) trait SplitReader: Send + Sync {
    /// For plans.
    fn label(&self) -> &str;

    /// The schema of the rows, positions included.
    fn schema(&self) -> SchemaRef;

    /// Reads the rows of one descriptor, within a task where it belongs to one.
    fn read(
        &self,
        descriptor: &str,
        task: Option<&Arc<Task>>,
    ) -> BoxStream<'static, Result<RecordBatch>>;
}

struct ReadSplitsWork {
    reader: Arc<dyn SplitReader>,
    /// None where the rows are read beside the work of a task, such as the small side of a join.
    tasks: Option<Tasks>,
}

/// A plan that reads descriptors: one list of them for each partition.
pub(crate) fn read_splits(
    reader: Arc<dyn SplitReader>,
    descriptors: &[Vec<String>],
    tasks: Option<Tasks>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = Arc::new(Schema::new(vec![Field::new("split", DataType::Utf8, false)]));
    let partitions = descriptors
        .iter()
        .map(|descriptors| {
            let column: ArrayRef = Arc::new(StringArray::from_iter_values(descriptors));
            Ok(vec![RecordBatch::try_new(Arc::clone(&schema), vec![column])?])
        })
        .collect::<Result<Vec<_>>>()?;
    let splits = MemorySourceConfig::try_new_exec(&partitions, schema, None)?;
    Ok(UnaryExec::plan(ReadSplitsWork { reader, tasks }, splits))
}

impl UnaryWork for ReadSplitsWork {
    const NAME: &'static str = "ReadSplitsExec";

    fn label(&self) -> &str {
        self.reader.label()
    }

    fn schema(&self) -> SchemaRef {
        self.reader.schema()
    }

    fn start(self: Arc<Self>, input: Input) -> Result<SendableRecordBatchStream> {
        let task = self.tasks.as_ref().map(|tasks| Arc::clone(&tasks[input.partition]));
        let schema = self.schema();
        let rows = input.read()?.flat_map(move |descriptors| match descriptors {
            Ok(descriptors) => {
                let descriptors = descriptors.column(0).as_string::<i32>();
                let streams: Vec<_> = descriptors
                    .iter()
                    .flatten()
                    .map(|descriptor| self.reader.read(descriptor, task.as_ref()))
                    .collect();
                futures::stream::iter(streams).flatten().boxed()
            }
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// Reads the splits of a source of the pipeline.
pub(crate) struct SourceSplits {
    pub(crate) step: String,
    /// Without positions.
    pub(crate) visible: SchemaRef,
    pub(crate) work: Arc<SourceWork>,
    pub(crate) batch_rows: usize,
}

impl SplitReader for SourceSplits {
    fn label(&self) -> &str {
        &self.step
    }

    fn schema(&self) -> SchemaRef {
        with_row(&self.visible)
    }

    fn read(
        &self,
        descriptor: &str,
        task: Option<&Arc<Task>>,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let Some(task) = task else {
            let message = format!("`{}` is read outside of a task", self.step);
            return failed(DataFusionError::Internal(message));
        };
        let context = Reading {
            step: self.step.clone(),
            schema: self.schema(),
            visible: Arc::clone(&self.visible),
            task: Arc::clone(task),
            on_bad_row: task.around.policy(&self.step, self.work.on_bad_row),
        };
        match &self.work.reader {
            SourceReader::Connector(source) => {
                read_connector(context, source.as_ref(), descriptor, self.batch_rows)
            }
            SourceReader::Plugin { extractor, binding, digest } => {
                read_plugin(context, extractor, binding, *digest, descriptor, self.batch_rows)
            }
        }
    }
}

fn failed(error: DataFusionError) -> BoxStream<'static, Result<RecordBatch>> {
    futures::stream::iter([Err(error)]).boxed()
}

/// What both kinds of sources need.
struct Reading {
    step: String,
    schema: SchemaRef,
    visible: SchemaRef,
    task: Arc<Task>,
    on_bad_row: BadRowPolicy,
}

impl Reading {
    fn connector_error(&self, source: ConnectError) -> DataFusionError {
        let (step, split) = (self.step.clone(), self.task.split.clone());
        StepError::Connector { step, split, source }.into()
    }

    /// Deals with bad records and counts everything.
    fn accept(
        &self,
        digest: Option<String>,
        batch: RecordBatch,
        rows: ArrayRef,
        bad_records: &[BadRecord],
    ) -> Result<RecordBatch> {
        let bad = bad_records.len() as u64;
        let good = batch.num_rows() as u64;
        let mut counts =
            StepCounts { rows_in: good + bad, rows_out: good, ..StepCounts::default() };
        match (self.on_bad_row, bad_records.first()) {
            (BadRowPolicy::Fail, Some(first)) => {
                return Err(StepError::RowRefused {
                    step: self.step.clone(),
                    split: self.task.split.clone(),
                    position: Some(first.position),
                    rule: first.rule.clone(),
                    message: format!("{}: {}", first.place, first.message),
                }
                .into());
            }
            (BadRowPolicy::Drop, _) => counts.dropped = bad,
            (BadRowPolicy::Quarantine | BadRowPolicy::Fail, _) => {
                counts.quarantined = bad;
                self.task
                    .quarantine_records(&self.step, digest, bad_records)
                    .map_err(|source| self.connector_error(source))?;
            }
        }
        self.task.count(&self.step, &counts);
        let batch = batch.with_schema(Arc::clone(&self.visible))?;
        Ok(Numbered { batch, rows }.attach(&self.schema)?)
    }
}

fn read_connector(
    context: Reading,
    source: &dyn Source,
    descriptor: &str,
    batch_rows: usize,
) -> BoxStream<'static, Result<RecordBatch>> {
    let batches = serde_json::from_str::<SourceSplit>(descriptor)
        .map_err(|_| ConnectError::Descriptor { descriptor: descriptor.to_owned() })
        .and_then(|split| source.read(&split, batch_rows));
    let batches = match batches {
        Ok(batches) => batches,
        Err(error) => return failed(context.connector_error(error)),
    };
    context.task.count(&context.step, &StepCounts::default());
    batches
        .map(move |batch| {
            let SourceBatch { batch, positions, bad_records } =
                batch.map_err(|error| context.connector_error(error))?;
            context.accept(None, batch, Arc::new(positions), &bad_records)
        })
        .boxed()
}

fn read_plugin(
    context: Reading,
    extractor: &Extractor,
    binding: &Arc<ExtractBinding>,
    digest: Digest,
    descriptor: &str,
    batch_rows: usize,
) -> BoxStream<'static, Result<RecordBatch>> {
    let Ok(split) = serde_json::from_str::<ExtractSplit>(descriptor) else {
        let descriptor = descriptor.to_owned();
        return failed(context.connector_error(ConnectError::Descriptor { descriptor }));
    };
    let schema = Arc::clone(&context.schema);
    let reading = PluginReading {
        context,
        extractor: extractor.clone(),
        binding: Arc::clone(binding),
        digest,
        split,
        batch_rows: u32::try_from(batch_rows).unwrap_or(u32::MAX),
        instance: None,
        position: 0,
    };
    stream(schema, reading).boxed()
}

/// One split of an extractor.
struct PluginReading {
    context: Reading,
    extractor: Extractor,
    binding: Arc<ExtractBinding>,
    digest: Digest,
    split: ExtractSplit,
    batch_rows: u32,
    instance: Option<OpenExtractor>,
    /// Of the next record.
    position: u64,
}

impl PluginReading {
    fn fault(&self, fault: wasmill_sandbox::fault::Fault) -> DataFusionError {
        let (step, split) = (self.context.step.clone(), self.context.task.split.clone());
        StepError::Plugin { step, split, fault }.into()
    }

    async fn end(&mut self, mut instance: OpenExtractor) -> Result<()> {
        let position = instance.cursor().await.map_err(|fault| self.fault(fault))?;
        if let Some(position) = position {
            let source = self.context.step.clone();
            let split = self.split.id.clone();
            self.context.task.set_cursor(TaskCursor { source, split, position });
        }
        let counts = StepCounts { usage: instance.usage(), ..StepCounts::default() };
        self.context.task.count(&self.context.step, &counts);
        Ok(())
    }
}

impl Batches for PluginReading {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => {
                let seed = self.context.task.seed(&self.context.step);
                self.extractor
                    .open(Arc::clone(&self.binding), &self.split, seed)
                    .await
                    .map_err(|fault| self.fault(fault))?
            }
        };
        let extracted = {
            let task = Arc::clone(&self.context.task);
            let permit = match task.admit(&self.context.step).await? {
                Admission::Call(permit) => permit,
                // Refused by the check: a source has no rows to set aside.
                Admission::Divert(_) => Permit::free(),
            };
            let extracted = instance.next(self.batch_rows).await;
            permit.ended(extracted.as_ref().err().map(ToString::to_string).as_deref());
            extracted.map_err(|fault| self.fault(fault))?
        };
        let Some(Extracted { batch, bad_records }) = extracted else {
            self.end(instance).await?;
            return Ok(None);
        };
        self.instance = Some(instance);
        let rows = counted(self.position, batch.num_rows());
        self.position += batch.num_rows() as u64;
        let mut bad = Vec::with_capacity(bad_records.len());
        for record in bad_records {
            bad.push(BadRecord {
                position: self.position,
                place: record.position,
                raw: record.raw,
                rule: record.rule,
                column: None,
                message: record.message,
            });
            self.position += 1;
        }
        let digest = Some(self.digest.to_string());
        self.context.accept(digest, batch, rows, &bad).map(Some)
    }
}
