//! The instance of a plugin that a step of a task keeps warm between batches, and how batches go through it.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use wasmill_sandbox::Usage;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::sizing::{BatchSizer, part};
use wasmill_sandbox::transformer::OpenTransformer;
use wasmill_sandbox::validator::OpenValidator;

use crate::error::StepError;
use crate::exec::halving::{self, Attempt, Piece};
use crate::exec::rows::Numbered;
use crate::exec::task::{StepCounts, Task};

/// A step whose plugin can be opened.
pub(crate) trait Openable: Send + Sync {
    type Open: Metered + Send;

    fn step(&self) -> &str;

    /// The positions of the columns that cross.
    fn reads(&self) -> &[usize];

    fn open(&self, seed: u64) -> impl Future<Output = Result<Self::Open, Fault>> + Send;

    /// What the plugin makes of a batch.
    type Output: Send;

    /// Calls the plugin on a batch, whose first row is the `first_row`th of all that the step sees in the task.
    fn call(
        open: &mut Self::Open,
        batch: &RecordBatch,
        first_row: u64,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;
}

/// An instance that knows what it has used up.
pub(crate) trait Metered {
    fn usage(&self) -> Usage;
}

impl Metered for OpenTransformer {
    fn usage(&self) -> Usage {
        self.usage()
    }
}

impl Metered for OpenValidator {
    fn usage(&self) -> Usage {
        self.usage()
    }
}

/// The warm instance of a step, if there is one.
pub(crate) struct Instance<N: Openable> {
    pub(crate) node: Arc<N>,
    pub(crate) task: Arc<Task>,
    open: Option<N::Open>,
    sizer: BatchSizer,
}

impl<N: Openable> Instance<N> {
    /// Without an instance yet. The step shows up in the report even when no row comes.
    pub(crate) fn new(node: Arc<N>, task: Arc<Task>) -> Self {
        task.count(node.step(), &StepCounts::default());
        Self { node, task, open: None, sizer: BatchSizer::default() }
    }

    /// Puts a batch through the plugin, as many rows at once as fit; where it faults, part by part until the rows are
    /// found that make it.
    pub(crate) async fn pieces(
        &mut self,
        batch: &Numbered,
        first_row: u64,
    ) -> Result<Vec<Piece<N::Output>>, Fault> {
        self.task.observer.seen(self.node.step(), &batch.batch);
        // An instance that cannot be opened fails because of no row.
        self.open = Some(self.take().await?);
        let rows = batch.batch.num_rows();
        halving::process(&mut BatchCall { instance: self, batch, first_row }, rows).await
    }

    /// Puts a batch through the plugin, as many rows at once as fit, all of it or not at all.
    pub(crate) async fn whole(
        &mut self,
        batch: &Numbered,
        first_row: u64,
    ) -> Result<Vec<Piece<N::Output>>, Fault> {
        let mut pieces = Vec::new();
        let mut call = BatchCall { instance: self, batch, first_row };
        let mut rest = 0..batch.batch.num_rows();
        while !rest.is_empty() {
            let part = rest.start..rest.start + call.fitting(&rest);
            rest.start = part.end;
            pieces.push((part.clone(), Ok(call.attempt(part).await?)));
        }
        Ok(pieces)
    }

    /// Takes the warm instance, or a fresh one.
    pub(crate) async fn take(&mut self) -> Result<N::Open, Fault> {
        match self.open.take() {
            Some(open) => Ok(open),
            None => {
                let step = self.node.step();
                let opened = self.node.open(self.task.seed(step)).await;
                opened.inspect_err(|fault| self.task.not_opened(step, fault))
            }
        }
    }

    /// Keeps an instance warm after a call that went well. After any other it is gone.
    pub(crate) fn put_back<T>(&mut self, open: N::Open, result: &Result<T, Fault>) {
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
    pub(crate) fn fault(&self, fault: Fault) -> DataFusionError {
        let (step, split) = (self.node.step().to_owned(), self.task.split.clone());
        StepError::Plugin { step, split, fault }.into()
    }
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

    async fn attempt(&mut self, rows: Range<usize>) -> Result<N::Output, Fault> {
        let mut open = self.instance.take().await?;
        let part = self.part(&rows);
        let result = N::call(&mut open, &part, self.first_row + rows.start as u64).await;
        self.instance.sizer.observe(result.as_ref().err().map(Fault::kind));
        self.instance.put_back(open, &result);
        result
    }
}
