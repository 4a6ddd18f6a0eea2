//! Validators at work: rows judged as they pass, and what the table's judgement needs written aside.
//!
//! Each batch gives a partial state. They are merged by the plugin whenever many have gathered, so a task
//! holds few at any time and leaves one, in a file that its manifest names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use wasmill_connect::error::ConnectError;
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::contract::verdict::Verdict;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::validator::OpenValidator;

use crate::cassette::recorder::Recordable;
use crate::checked::ValidateWork;
use crate::error::StepError;
use crate::exec::instance::{Instance, Openable};
use crate::exec::quarantine::reasons_by_row;
use crate::exec::rows::{Numbered, with_row};
use crate::exec::search::{Piece, SearchBudget};
use crate::exec::setting_aside::SettingAside;
use crate::exec::task::{StepCounts, StepRule, Tasks};
use crate::exec::unary::{Batches, Input, UnaryWork, stream};
use crate::file::sections::{BadRowPolicy, ViolationPolicy};
use crate::shadow::beside::{ShadowRun, ValidateBeside};

/// More partial states than this are merged, and more bytes of them.
pub(crate) const MAX_PARTIALS: usize = 64;
pub(crate) const MAX_PARTIAL_BYTES: usize = 8 << 20;

/// A validator in a plan.
pub(crate) struct ValidateNode {
    pub(crate) step: String,
    pub(crate) work: Arc<ValidateWork>,
    pub(crate) tasks: Tasks,
    /// What runs beside it.
    pub(crate) shadow: Option<Arc<ShadowRun>>,
}

impl UnaryWork for ValidateNode {
    const NAME: &'static str = "ValidateExec";

    fn label(&self) -> &str {
        &self.step
    }

    fn schema(&self) -> SchemaRef {
        with_row(&self.work.binding.input)
    }

    fn start(self: Arc<Self>, input: Input) -> Result<SendableRecordBatchStream> {
        let task = Arc::clone(&self.tasks[input.partition]);
        let schema = self.schema();
        let beside = self.shadow.as_ref().and_then(|shadow| shadow.validate(&task));
        let instance = Instance::new(self, task, None);
        let validating = Validating {
            input: input.read()?,
            instance,
            beside,
            schema: Arc::clone(&schema),
            rows: 0,
            busy: Duration::ZERO,
            partials: Vec::new(),
            partial_bytes: 0,
            ended: false,
        };
        Ok(stream(schema, validating))
    }
}

impl Openable for ValidateNode {
    type Open = OpenValidator;

    fn step(&self) -> &str {
        &self.step
    }

    fn digest(&self) -> Digest {
        self.work.digest
    }

    fn limits(&self) -> &Limits {
        self.work.validator.limits()
    }

    fn reads(&self) -> &[usize] {
        &self.work.binding.reading.positions
    }

    async fn locate(&self, fault: &mut Fault) {
        self.work.validator.locate(fault).await;
    }

    fn search_budget(&self) -> SearchBudget {
        self.work.search
    }

    fn recordable(&self) -> Option<&Arc<Recordable>> {
        self.work.recordable.as_ref()
    }

    async fn open(&self, seed: u64) -> Result<OpenValidator, Fault> {
        self.work.validator.open(Arc::clone(&self.work.binding), seed).await
    }

    type Output = Verdict;

    async fn call(
        open: &mut OpenValidator,
        batch: &RecordBatch,
        first_row: u64,
    ) -> Result<Verdict, Fault> {
        open.check(batch, first_row).await
    }

    type Trace = ();

    /// Nothing is repeated: what a validator gathers leaves it with each batch.
    fn trace(_output: &Verdict) {}
}

/// One partition.
struct Validating {
    input: SendableRecordBatchStream,
    instance: Instance<ValidateNode>,
    beside: Option<ValidateBeside>,
    schema: SchemaRef,
    /// Rows seen so far.
    rows: u64,
    /// Time at work on them.
    busy: Duration,
    partials: Vec<Vec<u8>>,
    partial_bytes: usize,
    ended: bool,
}

impl Batches for Validating {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while !self.ended {
            match self.input.next().await.transpose()? {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => {
                    let started = Instant::now();
                    let passed = self.check(&batch).await?;
                    self.busy += started.elapsed();
                    if passed.num_rows() > 0 {
                        return Ok(Some(passed));
                    }
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
        Ok(None)
    }
}

impl Validating {
    async fn check(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let numbered = Numbered::detach(batch, &self.instance.node.work.binding.input)?;
        let rows = batch.num_rows();
        let first_row = self.rows;
        self.rows += rows as u64;
        let Some(pieces) = self.instance.work(&numbered, first_row).await? else {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        };
        if let Some(beside) = &mut self.beside {
            beside.check(&numbered, first_row, &pieces).await;
        }
        let mut passing = BooleanBufferBuilder::new(rows);
        passing.append_n(rows, true);
        for piece in pieces {
            self.take_in(&numbered, piece, &mut passing).await?;
        }
        if self.partials.len() > MAX_PARTIALS || self.partial_bytes > MAX_PARTIAL_BYTES {
            self.merge().await?;
        }
        let passed = numbered.attach(&self.schema)?;
        let passing = BooleanArray::from(passing.finish());
        if passing.true_count() == rows {
            return Ok(passed);
        }
        Ok(filter_record_batch(&passed, &passing)?)
    }

    async fn take_in(
        &mut self,
        batch: &Numbered,
        (range, result): Piece<Verdict>,
        passing: &mut BooleanBufferBuilder,
    ) -> Result<()> {
        let node = Arc::clone(&self.instance.node);
        let task = Arc::clone(&self.instance.task);
        let part = batch.slice(&range);
        let aside =
            SettingAside { task: &task, step: &node.step, digest: node.work.digest, batch: &part };
        let mut counts = StepCounts { rows_in: range.len() as u64, ..StepCounts::default() };
        let (policy, reasons) = match result {
            Ok(verdict) => {
                self.partial_bytes += verdict.partial.len();
                self.partials.push(verdict.partial);
                let policy = match node.work.on_violation {
                    ViolationPolicy::Quarantine => Some(BadRowPolicy::Quarantine),
                    ViolationPolicy::Drop => Some(BadRowPolicy::Drop),
                    ViolationPolicy::Fail => Some(BadRowPolicy::Fail),
                    ViolationPolicy::Warn => None,
                };
                let only_counted = if policy.is_none() { verdict.rejected.as_slice() } else { &[] };
                for finding in verdict.warned.iter().chain(only_counted) {
                    let rule = StepRule {
                        step: node.step.clone(),
                        rule: finding.rule.clone(),
                        column: finding.column.clone(),
                    };
                    task.warned(rule, finding.rows.len() as u64);
                }
                let reasons = policy.map(|_| reasons_by_row(&verdict.rejected));
                (policy.unwrap_or_default(), reasons.unwrap_or_default())
            }
            Err(mut blame) => {
                let explanation = self.instance.explain(&mut blame, &part).await;
                if node.work.on_fault == BadRowPolicy::Fail {
                    return Err(self.instance.fault(blame.fault).await);
                }
                aside.blamed_row(node.work.on_fault, &blame, &explanation, &mut counts)?;
                passing.set_bit(range.start, false);
                task.count(&node.step, &counts);
                return Ok(());
            }
        };
        aside.rows(policy, &reasons, &mut counts)?;
        for &row in reasons.keys() {
            passing.set_bit(range.start + row as usize, false);
        }
        counts.rows_out = counts.rows_in - reasons.len() as u64;
        task.count(&node.step, &counts);
        Ok(())
    }

    /// Makes one partial state of those that have gathered.
    async fn merge(&mut self) -> Result<()> {
        let mut open = match self.instance.take().await {
            Ok(open) => open,
            Err(blame) => return Err(self.instance.fault(blame.fault).await),
        };
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let result = open.merge(&self.partials, rows).await;
        self.instance.put_back(open, &result);
        let merged = match result {
            Ok(merged) => merged,
            Err(fault) => return Err(self.instance.fault(fault).await),
        };
        self.partial_bytes = 0;
        self.partials = vec![merged];
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        if self.partials.len() > 1 {
            self.merge().await?;
        }
        self.instance.end();
        if let Some(beside) = self.beside.take() {
            beside.finish().await;
        }
        // A task without rows has nothing to say of the table.
        let Some(partial) = self.partials.pop() else { return Ok(()) };
        let (step, task) = (&self.instance.node.step, &self.instance.task);
        let name = task.part_name();
        let path = task
            .around
            .folders
            .scratch
            .join(format!("{step}-{}-{}.partial", name.stem, name.attempt));
        std::fs::write(&path, partial).map_err(|source| StepError::Connector {
            step: step.clone(),
            split: task.split.clone(),
            source: ConnectError::Io { action: "cannot write", path: path.clone(), source },
        })?;
        task.set_partial(step, path);
        Ok(())
    }
}
