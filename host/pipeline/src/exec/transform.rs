//! Transformers at work: batches through an instance of a plugin, bad rows aside, faults narrowed down to
//! the rows that cause them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::contract::binding::Scope;
use wasmill_sandbox::contract::processed::{Processed, Tally};
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::opened::Opened as _;
use wasmill_sandbox::transformer::OpenTransformer;

use crate::cassette::recorder::Recordable;
use crate::checked::TransformWork;
use crate::exec::history::History;
use crate::exec::instance::{Instance, Openable};
use crate::exec::quarantine::reasons_by_row;
use crate::exec::rows::{Numbered, with_row};
use crate::exec::search::{Piece, SearchBudget};
use crate::exec::setting_aside::SettingAside;
use crate::exec::task::{StepCounts, Tasks};
use crate::exec::unary::{Batches, Input, UnaryWork, stream};
use crate::file::sections::BadRowPolicy;
use crate::shadow::beside::{ShadowRun, TransformBeside};

/// A transformer in a plan.
pub(crate) struct TransformNode {
    pub(crate) step: String,
    pub(crate) work: Arc<TransformWork>,
    pub(crate) tasks: Tasks,
    /// What runs beside it.
    pub(crate) shadow: Option<Arc<ShadowRun>>,
}

impl UnaryWork for TransformNode {
    const NAME: &'static str = "TransformExec";

    fn label(&self) -> &str {
        &self.step
    }

    fn schema(&self) -> SchemaRef {
        with_row(&self.work.binding.output_schema)
    }

    fn start(self: Arc<Self>, input: Input) -> Result<SendableRecordBatchStream> {
        let task = Arc::clone(&self.tasks[input.partition]);
        let schema = self.schema();
        let rows = input.read()?;
        let beside = self.shadow.as_ref().and_then(|shadow| shadow.transform(&task, &input));
        let binding = &self.work.binding;
        let history =
            (binding.scope != Scope::Rows).then(|| History::new(input, Arc::clone(&binding.input)));
        let instance = Instance::new(self, task, history);
        let transforming = Transforming {
            input: rows,
            instance,
            beside,
            schema: Arc::clone(&schema),
            ready: VecDeque::new(),
            rows: 0,
            busy: Duration::ZERO,
            ended: false,
        };
        Ok(stream(schema, transforming))
    }
}

impl Openable for TransformNode {
    type Open = OpenTransformer;

    fn step(&self) -> &str {
        &self.step
    }

    fn digest(&self) -> Digest {
        self.work.digest
    }

    fn limits(&self) -> &Limits {
        self.work.transformer.limits()
    }

    fn reads(&self) -> &[usize] {
        &self.work.binding.reading.positions
    }

    async fn locate(&self, fault: &mut Fault) {
        self.work.transformer.locate(fault).await;
    }

    fn search_budget(&self) -> SearchBudget {
        self.work.search
    }

    fn recordable(&self) -> Option<&Arc<Recordable>> {
        self.work.recordable.as_ref()
    }

    async fn open(&self, seed: u64) -> Result<OpenTransformer, Fault> {
        self.work.transformer.open(Arc::clone(&self.work.binding), seed).await
    }

    type Output = Processed;

    async fn call(
        open: &mut OpenTransformer,
        batch: &RecordBatch,
        first_row: u64,
    ) -> Result<Processed, Fault> {
        open.process(batch, first_row).await
    }

    type Trace = Tally;

    fn trace(output: &Processed) -> Tally {
        output.tally
    }
}

/// One partition.
struct Transforming {
    input: SendableRecordBatchStream,
    instance: Instance<TransformNode>,
    beside: Option<TransformBeside>,
    schema: SchemaRef,
    ready: VecDeque<RecordBatch>,
    /// Rows seen so far.
    rows: u64,
    /// Time at work on them.
    busy: Duration,
    ended: bool,
}

impl Batches for Transforming {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if self.ended {
                return Ok(None);
            }
            match self.input.next().await.transpose()? {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => {
                    let started = Instant::now();
                    self.process(&batch).await?;
                    self.busy += started.elapsed();
                }
                None => {
                    self.ended = true;
                    let started = Instant::now();
                    self.finish().await?;
                    let busy = self.busy + started.elapsed();
                    let counts = StepCounts { busy, ..StepCounts::default() };
                    self.instance.task.count(&self.instance.node.step, &counts);
                }
            }
        }
    }
}

impl Transforming {
    async fn process(&mut self, batch: &RecordBatch) -> Result<()> {
        let numbered = Numbered::detach(batch, &self.instance.node.work.binding.input)?;
        let first_row = self.rows;
        self.rows += batch.num_rows() as u64;
        let Some(pieces) = self.instance.work(&numbered, first_row).await? else { return Ok(()) };
        if let Some(beside) = &mut self.beside {
            beside.process(&numbered, first_row, &pieces).await;
        }
        for piece in pieces {
            self.take_in(&numbered, piece).await?;
        }
        Ok(())
    }

    async fn take_in(&mut self, batch: &Numbered, (range, result): Piece<Processed>) -> Result<()> {
        let node = Arc::clone(&self.instance.node);
        let task = Arc::clone(&self.instance.task);
        let part = batch.slice(&range);
        let aside =
            SettingAside { task: &task, step: &node.step, digest: node.work.digest, batch: &part };
        let mut counts = StepCounts { rows_in: range.len() as u64, ..StepCounts::default() };
        match result {
            Ok(processed) => {
                let reasons = reasons_by_row(&processed.bad_rows);
                aside.rows(node.work.on_bad_row, &reasons, &mut counts)?;
                counts.dropped += processed.tally.dropped as u64;
                counts.added += processed.tally.added as u64;
                self.emit(processed, &part, &mut counts)?;
            }
            Err(mut blame) => {
                let explanation = self.instance.explain(&mut blame, &part).await;
                if node.work.on_fault == BadRowPolicy::Fail {
                    return Err(self.instance.fault(blame.fault).await);
                }
                aside.blamed_row(node.work.on_fault, &blame, &explanation, &mut counts)?;
            }
        }
        self.instance.task.count(&node.step, &counts);
        Ok(())
    }

    fn emit(
        &mut self,
        processed: Processed,
        part: &Numbered,
        counts: &mut StepCounts,
    ) -> Result<()> {
        for output in processed.outputs {
            let rows = output.rows.apply(&part.rows)?;
            counts.rows_out += output.batch.num_rows() as u64;
            if output.batch.num_rows() > 0 {
                let numbered = Numbered { batch: output.batch, rows };
                self.ready.push_back(numbered.attach(&self.schema)?);
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        let mut open = match self.instance.take().await {
            Ok(open) => open,
            Err(blame) => return Err(self.instance.fault(blame.fault).await),
        };
        let result = open.finish().await;
        self.instance.retire(&open);
        let processed = match result {
            Ok(processed) => processed,
            Err(fault) => {
                self.instance.keep_end(open.exchanges(), &fault).await;
                return Err(self.instance.fault(fault).await);
            }
        };
        if let Some(beside) = self.beside.take() {
            beside.finish(&processed).await;
        }
        let mut counts =
            StepCounts { added: processed.tally.added as u64, ..StepCounts::default() };
        let none = Numbered::empty(&self.instance.node.work.binding.input);
        self.emit(processed, &none, &mut counts)?;
        self.instance.task.count(&self.instance.node.step, &counts);
        Ok(())
    }
}
