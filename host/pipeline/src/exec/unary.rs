//! What all our nodes have in common: one input, the same partitions, one stream out per stream in.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{
    Boundedness, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties as _, Partitioning,
    PlanProperties,
};

/// The work of a unary node.
pub(crate) trait UnaryWork: Send + Sync + 'static {
    /// The node's name in plans.
    const NAME: &'static str;

    /// What is peculiar to this node, for plans: the step's name.
    fn label(&self) -> &str;

    /// The schema of what comes out.
    fn schema(&self) -> SchemaRef;

    /// Starts on one partition.
    fn start(self: Arc<Self>, input: Input) -> Result<SendableRecordBatchStream>;
}

/// The rows that a node reads in one partition.
#[derive(Clone)]
pub(crate) struct Input {
    plan: Arc<dyn ExecutionPlan>,
    pub(crate) partition: usize,
    context: Arc<TaskContext>,
}

impl Input {
    /// One partition of what a plan gives.
    pub(crate) fn new(
        plan: Arc<dyn ExecutionPlan>,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Self {
        Self { plan, partition, context }
    }

    /// Reads the rows, from the first on. Whoever reads them more than once must know that the plan only reads.
    pub(crate) fn read(&self) -> Result<SendableRecordBatchStream> {
        self.plan.execute(self.partition, Arc::clone(&self.context))
    }
}

/// A node that does some [`UnaryWork`].
pub(crate) struct UnaryExec<W> {
    work: Arc<W>,
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl<W: UnaryWork> UnaryExec<W> {
    pub(crate) fn plan(work: W, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self::new(Arc::new(work), input))
    }

    fn new(work: Arc<W>, input: Arc<dyn ExecutionPlan>) -> Self {
        let partitions = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(work.schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { work, input, properties: Arc::new(properties) }
    }

    fn with_children(&self, children: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
        match children {
            [input] => Ok(Arc::new(Self::new(Arc::clone(&self.work), Arc::clone(input)))),
            _ => Err(DataFusionError::Internal(format!("{} has one input", W::NAME))),
        }
    }
}

impl<W: UnaryWork> fmt::Debug for UnaryExec<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", W::NAME, self.work.label())
    }
}

impl<W: UnaryWork> DisplayAs for UnaryExec<W> {
    fn fmt_as(&self, _type: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", W::NAME, self.work.label())
    }
}

impl<W: UnaryWork> ExecutionPlan for UnaryExec<W> {
    fn name(&self) -> &str {
        W::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    /// A partition is a task; the optimizer must not make more of them.
    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.with_children(&children)
    }

    #[allow(deprecated, reason = "still a required method of the trait in DataFusion 55")]
    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.with_children(&children)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = Input { plan: Arc::clone(&self.input), partition, context };
        Arc::clone(&self.work).start(input)
    }
}

/// Something that gives batches one after another, until none.
pub(crate) trait Batches: Send {
    fn next(&mut self) -> impl Future<Output = Result<Option<RecordBatch>>> + Send;
}

/// A stream of what `batches` gives.
pub(crate) fn stream(
    schema: SchemaRef,
    batches: impl Batches + 'static,
) -> SendableRecordBatchStream {
    let stream = futures::stream::try_unfold(batches, |mut batches| async move {
        Ok(batches.next().await?.map(|batch| (batch, batches)))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, stream))
}
