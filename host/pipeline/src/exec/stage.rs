//! The end of a task: its rows staged for sinks and for later phases, and one manifest returned.
//!
//! Nothing that is staged here can be seen by a reader of a target, and nothing of it counts until the driver
//! has accepted the manifest.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use wasmill_connect::crash;
use wasmill_connect::error::ConnectError;
use wasmill_connect::sink::ipc::IpcStageWriter;
use wasmill_connect::sink::{Rejection, StageWriter};
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::loader::{Attempt, OpenLoader};

use crate::checked::{SinkStep, SinkTarget};
use crate::error::StepError;
use crate::exec::quarantine::reasons_by_row;
use crate::exec::rows::{Numbered, with_row};
use crate::exec::setting_aside::SettingAside;
use crate::exec::task::{Manifest, StepCounts, Task, Tasks};
use crate::exec::unary::{Batches, Input, UnaryWork, stream};

/// The last node of a task.
pub(crate) struct StageNode {
    /// The step whose rows these are.
    pub(crate) step: String,
    /// Without positions.
    pub(crate) visible: SchemaRef,
    /// Whether later phases read the rows.
    pub(crate) for_later: bool,
    pub(crate) sinks: Vec<Arc<SinkStep>>,
    pub(crate) tasks: Tasks,
}

/// The one column that comes out: a manifest as JSON.
fn manifest_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("manifest", DataType::Utf8, false)]))
}

/// The manifest in what a task returned.
pub(crate) fn read_manifest(batch: &RecordBatch) -> Result<Manifest> {
    use arrow::array::AsArray as _;
    let text = batch.column(0).as_string::<i32>().value(0);
    serde_json::from_str(text).map_err(|error| DataFusionError::External(Box::new(error)))
}

impl UnaryWork for StageNode {
    const NAME: &'static str = "StageExec";

    fn label(&self) -> &str {
        &self.step
    }

    fn schema(&self) -> SchemaRef {
        manifest_schema()
    }

    fn start(self: Arc<Self>, input: Input) -> Result<SendableRecordBatchStream> {
        let task = Arc::clone(&self.tasks[input.partition]);
        let stage = Stage { node: self, task };
        Ok(stream(manifest_schema(), Staging { stage, input: Some(input.read()?) }))
    }
}

/// One partition.
struct Staging {
    stage: Stage,
    /// Taken when the work begins: all of it is done before the one row comes out.
    input: Option<SendableRecordBatchStream>,
}

impl Batches for Staging {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(input) = self.input.take() else { return Ok(None) };
        let manifest = self.stage.work(input).await?;
        let text = serde_json::to_string(&manifest)
            .map_err(|error| DataFusionError::External(Box::new(error)))?;
        let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
        Ok(Some(RecordBatch::try_new(manifest_schema(), vec![column])?))
    }
}

/// The staging of one task.
pub(crate) struct Stage {
    pub(crate) node: Arc<StageNode>,
    pub(crate) task: Arc<Task>,
}

impl Stage {
    /// Stages all rows.
    pub(crate) async fn work(&self, mut input: SendableRecordBatchStream) -> Result<Manifest> {
        let mut later = self.later()?;
        let mut sinks = Vec::with_capacity(self.node.sinks.len());
        for sink in &self.node.sinks {
            sinks.push(SinkWriter::open(sink, &self.task).await?);
        }
        while let Some(batch) = input.next().await.transpose()? {
            if batch.num_rows() == 0 {
                continue;
            }
            if let Some(later) = &mut later {
                later.write(&batch).map_err(|error| self.connector(&self.node.step, error))?;
            }
            for sink in &mut sinks {
                sink.write(&batch).await?;
            }
        }
        // Ended before the manifest is made: the rows that sinks refused belong to it.
        let mut writers = Vec::new();
        let mut receipts = Vec::new();
        for sink in sinks {
            let name = sink.sink.name.clone();
            match sink.writer {
                Writer::Connector(writer) => writers.push((name, writer)),
                Writer::Plugin { mut open, .. } => {
                    let receipt =
                        open.finish().await.map_err(|fault| plugin(&name, &self.task, fault))?;
                    let counts = StepCounts { usage: open.usage(), ..StepCounts::default() };
                    self.task.count(&name, &counts);
                    receipts.push((name, receipt));
                }
            }
        }
        self.task.leave();
        let stage = Self { node: Arc::clone(&self.node), task: Arc::clone(&self.task) };
        let finished = tokio::task::spawn_blocking(move || stage.finish(writers, later)).await;
        let mut manifest =
            finished.map_err(|error| DataFusionError::External(Box::new(error)))??;
        manifest.receipts.extend(receipts);
        crash::point("after-stage");
        Ok(manifest)
    }

    /// Has everything written to disk, which is waited for.
    fn finish(
        &self,
        writers: Vec<(String, Box<dyn StageWriter>)>,
        later: Option<IpcStageWriter>,
    ) -> Result<Manifest> {
        let mut parts = Vec::with_capacity(writers.len());
        for (name, writer) in writers {
            let part = writer.finish().map_err(|error| self.connector(&name, error))?;
            parts.push((name, part));
        }
        let staged = match later {
            Some(later) => {
                let later: Box<dyn StageWriter> = Box::new(later);
                Some(later.finish().map_err(|error| self.connector(&self.node.step, error))?)
            }
            None => None,
        };
        let mut manifest =
            self.task.finish().map_err(|error| self.connector(&self.node.step, error))?;
        manifest.staged = staged;
        manifest.parts.extend(parts);
        Ok(manifest)
    }

    fn later(&self) -> Result<Option<IpcStageWriter>> {
        if !self.node.for_later {
            return Ok(None);
        }
        let name = self.task.part_name();
        let file = format!("{}-{}.arrow", name.stem, name.attempt);
        let path = self.task.around.folders.scratch.join("rows").join(file);
        let writer = IpcStageWriter::create(path, name.stem, &with_row(&self.node.visible))
            .map_err(|error| self.connector(&self.node.step, error))?;
        Ok(Some(writer))
    }

    fn connector(&self, step: &str, source: ConnectError) -> DataFusionError {
        connector(step, &self.task, source)
    }
}

fn connector(step: &str, task: &Task, source: ConnectError) -> DataFusionError {
    StepError::Connector { step: step.to_owned(), split: task.split.clone(), source }.into()
}

fn plugin(step: &str, task: &Task, fault: Fault) -> DataFusionError {
    StepError::Plugin { step: step.to_owned(), split: task.split.clone(), fault }.into()
}

/// One sink in one task.
struct SinkWriter {
    sink: Arc<SinkStep>,
    task: Arc<Task>,
    rows: u64,
    writer: Writer,
}

enum Writer {
    Connector(Box<dyn StageWriter>),
    Plugin { open: Box<OpenLoader>, digest: Digest },
}

impl SinkWriter {
    async fn open(sink: &Arc<SinkStep>, task: &Arc<Task>) -> Result<Self> {
        task.count(&sink.name, &StepCounts::default());
        let part = task.part_name();
        let writer = match &sink.target {
            SinkTarget::Connector(target) => {
                let schema = Arc::clone(&sink.schema);
                let scratch = task.around.folders.scratch.join("sinks").join(&sink.name);
                let writer = target
                    .stage(schema, &part, &scratch)
                    .map_err(|error| connector(&sink.name, task, error))?;
                Writer::Connector(writer)
            }
            SinkTarget::Plugin { loader, binding, digest } => {
                let attempt = Attempt { run: part.run, split: part.stem, attempt: part.attempt };
                let open = loader
                    .open(Arc::clone(binding), &attempt, task.seed(&sink.name))
                    .await
                    .map_err(|fault| plugin(&sink.name, task, fault))?;
                Writer::Plugin { open: Box::new(open), digest: *digest }
            }
        };
        Ok(Self { sink: Arc::clone(sink), task: Arc::clone(task), rows: 0, writer })
    }

    async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let numbered = Numbered::detach(batch, &self.sink.schema)?;
        let (step, task) = (&self.sink.name, &self.task);
        let first_row = self.rows;
        self.rows += batch.num_rows() as u64;
        let (refused, digest) = match &mut self.writer {
            Writer::Connector(writer) => {
                let rejections =
                    writer.write(&numbered.batch).map_err(|error| connector(step, task, error))?;
                (rejections.into_iter().map(finding).collect::<Vec<_>>(), None)
            }
            Writer::Plugin { open, digest } => {
                let aside = SettingAside { task, step, digest: *digest, batch: &numbered };
                let Some(permit) = aside.admit().await? else { return Ok(()) };
                let written = open.write(&numbered.batch, first_row).await;
                permit.ended(written.as_ref().err().map(ToString::to_string).as_deref());
                (written.map_err(|fault| plugin(step, task, fault))?, Some(digest.to_string()))
            }
        };
        let reasons = reasons_by_row(&refused);
        task.quarantine_rows(step, digest, &numbered, &reasons, None)
            .map_err(|error| connector(step, task, error))?;
        let (rows_in, quarantined) = (batch.num_rows() as u64, reasons.len() as u64);
        let rows_out = rows_in - quarantined;
        task.count(step, &StepCounts { rows_in, rows_out, quarantined, ..StepCounts::default() });
        Ok(())
    }
}

/// A row that a connector refuses, in the words of plugins.
fn finding(rejection: Rejection) -> Finding {
    Finding {
        rows: vec![rejection.row],
        rule: rejection.rule.to_owned(),
        column: rejection.column,
        message: rejection.message,
    }
}
