//! The instance of a plugin that a step of a task keeps warm between batches, and how batches go through it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use wasmill_sandbox::capability::http::Exchange;
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::opened::Opened;
use wasmill_sandbox::sizing::{BatchSizer, part};

use crate::cassette::recorder::{Recordable, Recorder};
use crate::error::StepError;
use crate::exec::blame::Blame;
use crate::exec::history::History;
use crate::exec::rows::Numbered;
use crate::exec::search::{self, Attempt, Found, Piece, SearchBudget, Trial};
use crate::exec::setting_aside::SettingAside;
use crate::exec::task::{StepCounts, Task};
use crate::explain::{Case, Explanation};

/// A step whose plugin can be opened.
pub(crate) trait Openable: Send + Sync {
    type Open: Opened + Send;

    fn step(&self) -> &str;

    /// The plugin's digest.
    fn digest(&self) -> Digest;

    fn limits(&self) -> &Limits;

    /// The positions of the columns that cross.
    fn reads(&self) -> &[usize];

    /// What finding the rows of one batch may cost.
    fn search_budget(&self) -> SearchBudget;

    /// What is recorded of calls that fail, if that is wanted.
    fn recordable(&self) -> Option<&Arc<Recordable>>;

    fn open(&self, seed: u64) -> impl Future<Output = Result<Self::Open, Fault>> + Send;

    /// Looks up the source lines of a fault.
    fn locate(&self, fault: &mut Fault) -> impl Future<Output = ()> + Send;

    /// What the plugin makes of a batch.
    type Output: Send;

    /// Calls the plugin on a batch, whose first row is the `first_row`th of all that the step sees in the task.
    fn call(
        open: &mut Self::Open,
        batch: &RecordBatch,
        first_row: u64,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;

    /// Enough of an output to tell whether another one is the same.
    type Trace: PartialEq + Send + Sync;

    fn trace(output: &Self::Output) -> Self::Trace;
}

/// The warm instance of a step, if there is one.
pub(crate) struct Instance<N: Openable> {
    pub(crate) node: Arc<N>,
    pub(crate) task: Arc<Task>,
    open: Option<N::Open>,
    sizer: BatchSizer,
    /// Of plugins that gather from row to row: what a fresh instance is given first.
    history: Option<History<N::Trace>>,
    /// Keeps calls that fail, if that is wanted.
    recorder: Option<Recorder>,
}

impl<N: Openable> Instance<N> {
    /// Without an instance yet. The step shows up in the report even when no row comes.
    pub(crate) fn new(node: Arc<N>, task: Arc<Task>, history: Option<History<N::Trace>>) -> Self {
        task.count(node.step(), &StepCounts::default());
        let recorder = node.recordable().map(|step| Recorder::new(step, history.is_some()));
        Self { node, task, open: None, sizer: BatchSizer::default(), history, recorder }
    }

    /// Puts a batch through the plugin. None where its rows were set aside, as its breaker is open.
    pub(crate) async fn work(
        &mut self,
        batch: &Numbered,
        first_row: u64,
    ) -> Result<Option<Vec<Piece<N::Output>>>> {
        let (task, node) = (Arc::clone(&self.task), Arc::clone(&self.node));
        task.around.observer.seen(node.step(), &batch.batch);
        let aside = SettingAside { task: &task, step: node.step(), digest: node.digest(), batch };
        let Some(permit) = aside.admit().await? else { return Ok(None) };
        if permit.is_probe {
            self.end();
        }
        let result = self.pieces(batch, first_row).await;
        permit.ended(failure(&result).as_deref());
        match result {
            Ok(pieces) => Ok(Some(pieces)),
            Err(blame) => Err(self.fault(blame.fault).await),
        }
    }

    /// Puts a batch through the plugin, as many rows at once as fit; where it faults, part by part until the rows are
    /// found that make it.
    pub(crate) async fn pieces(
        &mut self,
        batch: &Numbered,
        first_row: u64,
    ) -> Result<Vec<Piece<N::Output>>, Blame> {
        let found = self.search(batch, first_row).await;
        if let Some(recorder) = &mut self.recorder {
            recorder.keep(&self.task, self.history.as_ref(), batch, first_row, &found).await;
        }
        let found = found?;
        if found.calls > 0 {
            let counts = StepCounts { search_calls: found.calls, ..StepCounts::default() };
            self.task.count(self.node.step(), &counts);
        }
        Ok(found.pieces)
    }

    async fn search(
        &mut self,
        batch: &Numbered,
        first_row: u64,
    ) -> Result<Found<N::Output>, Blame> {
        // An instance that cannot be opened fails because of no row.
        self.open = Some(self.take().await?);
        let rows = batch.batch.num_rows();
        let budget = self.node.search_budget();
        let mut call = BatchCall { instance: self, batch, first_row };
        search::process(&mut call, rows, budget).await
    }

    /// Keeps a call that failed at the end of the rows, and what it asked for, if that is wanted.
    pub(crate) async fn keep_end(&mut self, exchanges: Option<Vec<Exchange>>, fault: &Fault) {
        if let Some(recorder) = &mut self.recorder {
            recorder.keep_end(&self.task, self.history.as_ref(), exchanges, fault).await;
        }
    }

    /// Takes the warm instance, or a fresh one that was given what the last one had.
    pub(crate) async fn take(&mut self) -> Result<N::Open, Blame> {
        if let Some(open) = self.open.take() {
            return Ok(open);
        }
        let step = self.node.step();
        let opened = self.node.open(self.task.seed(step)).await;
        let mut open = opened.map_err(|fault| {
            self.task.not_opened(step, &fault);
            Blame::of_no_row(fault)
        })?;
        if let Some(recorder) = &mut self.recorder {
            recorder.opened(open.exchanges());
        }
        if let Some(history) = &self.history
            && let Err(fault) = history.replay::<N>(&mut open).await
        {
            self.retire(&open);
            return Err(Blame::of_no_row(fault));
        }
        Ok(open)
    }

    /// Keeps an instance warm after a call that went well. After any other it is gone.
    pub(crate) fn put_back<T, E>(&mut self, open: N::Open, result: &Result<T, E>) {
        match result {
            Ok(_) => self.open = Some(open),
            Err(_) => self.retire(&open),
        }
    }

    /// Counts what an instance has used up, at its end.
    pub(crate) fn retire(&self, open: &N::Open) {
        let counts = StepCounts { usage: open.usage(), ..StepCounts::default() };
        self.task.count(self.node.step(), &counts);
    }

    /// Ends the warm instance, if there is one.
    pub(crate) fn end(&mut self) {
        if let Some(open) = self.open.take() {
            self.retire(&open);
        }
    }

    /// A fault that ends the attempt.
    pub(crate) async fn fault(&mut self, mut fault: Fault) -> DataFusionError {
        self.node.locate(&mut fault).await;
        let (step, split) = (self.node.step().to_owned(), self.task.split.clone());
        StepError::Plugin { step, split, fault }.into()
    }

    /// Tells everybody why a row made the plugin fail.
    pub(crate) async fn explain(&mut self, blame: &mut Blame, row: &Numbered) -> Explanation {
        self.node.locate(&mut blame.fault).await;
        let schema = row.batch.schema();
        let reads: Vec<String> =
            self.node.reads().iter().map(|&at| schema.field(at).name().clone()).collect();
        let explanation = Explanation::new(
            &blame.fault,
            &Case {
                step: self.node.step(),
                plugin: &self.node.digest().to_string(),
                split: Some(&self.task.split),
                position: row.position(0),
                seen: Some(&row.batch),
                reads: &reads,
                fuel: (blame.fuel > 0).then_some(blame.fuel),
                limits: Some(self.node.limits()),
            },
        );
        self.task.row_fault(self.node.step(), &blame.fault, &explanation);
        explanation
    }
}

/// What a batch failed with, as far as a breaker is concerned.
fn failure<T>(result: &Result<Vec<Piece<T>>, Blame>) -> Option<String> {
    let blame = match result {
        Ok(pieces) => pieces.iter().find_map(|(_, result)| result.as_ref().err())?,
        Err(blame) => blame,
    };
    Some(blame.fault.to_string())
}

/// Calls the plugin on parts of one batch.
struct BatchCall<'a, N: Openable> {
    instance: &'a mut Instance<N>,
    batch: &'a Numbered,
    first_row: u64,
}

impl<N: Openable> BatchCall<'_, N> {
    fn part(&self, rows: &Range<usize>) -> Cow<'_, RecordBatch> {
        part(&self.batch.batch, rows)
    }
}

impl<N: Openable> Attempt for BatchCall<'_, N> {
    type Output = N::Output;

    fn fitting(&self, rows: &Range<usize>) -> usize {
        self.instance.sizer.rows(&self.part(rows), self.instance.node.reads())
    }

    async fn attempt(&mut self, trial: Trial) -> Result<N::Output, Blame> {
        let mut open = self.instance.take().await?;
        open.hurry(trial.hurried);
        if trial.again {
            // What a row says as it fails was said by the call that failed first.
            open.hold_log();
        }
        let first = self.first_row + trial.rows.start as u64;
        let fuel_before = open.usage().fuel;
        let result = N::call(&mut open, &self.part(&trial.rows), first).await;
        self.instance.sizer.observe(result.as_ref().err().map(Fault::kind));
        let result = result.map_err(|fault| {
            Blame::of_rows(fault, open.usage().fuel - fuel_before, open.last_lines())
        });
        if let Some(recorder) = &mut self.instance.recorder {
            let failed = result.as_ref().err();
            recorder.called(trial.rows.clone(), first, || open.exchanges(), failed);
        }
        open.release_log(result.is_ok());
        self.instance.put_back(open, &result);
        if let (Ok(output), Some(history)) = (&result, &mut self.instance.history) {
            history.push(first..first + trial.rows.len() as u64, N::trace(output));
        }
        result
    }
}
