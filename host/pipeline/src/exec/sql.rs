//! Queries at work: a SQL step as a part of a task's plan.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan, Projection};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::ExecutionPlanProperties as _;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::prelude::SessionConfig;

use crate::check::sql::{logical_plan, table_reference};
use crate::checked::{Settings, SqlWork};
use crate::exec::meter::{CountWork, NumberWork};
use crate::exec::tables::StepTable;
use crate::exec::task::Tasks;
use crate::exec::unary::UnaryExec;

/// What all plans of a run share: memory, and where to spill.
pub(crate) struct Engine {
    runtime: Arc<RuntimeEnv>,
    batch_rows: usize,
    /// Kept back by each sort for merging what it spilled.
    merge_reserve: usize,
}

/// DataFusion's own default.
const MAX_MERGE_RESERVE: usize = 10 << 20;

impl Engine {
    /// Queries share the pool of `settings` with plugins, and spill to `scratch` beyond.
    pub(crate) fn new(settings: &Settings, scratch: &std::path::Path) -> Result<Self> {
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![scratch.to_owned()]));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::clone(&settings.memory))
            .with_disk_manager_builder(disk)
            .build_arc()?;
        // A larger reserve than this would leave a small memory nothing to sort in.
        let eighth = usize::try_from(settings.memory_bytes / 8).unwrap_or(usize::MAX);
        let merge_reserve = eighth.min(MAX_MERGE_RESERVE);
        Ok(Self { runtime, batch_rows: settings.batch_rows, merge_reserve })
    }

    /// What plans are executed with.
    pub(crate) fn task_context(&self) -> Arc<TaskContext> {
        self.session(1).build().task_ctx()
    }

    fn session(&self, partitions: usize) -> SessionStateBuilder {
        let mut builder = session(partitions).with_runtime_env(Arc::clone(&self.runtime));
        if let Some(config) = builder.config() {
            *config = config
                .clone()
                .with_batch_size(self.batch_rows)
                .with_sort_spill_reservation_bytes(self.merge_reserve);
        }
        builder
    }

    /// The plan of a SQL step over plans that give the rows of its inputs; one partition, rows
    /// numbered.
    pub(crate) async fn query(
        &self,
        step: &str,
        work: &SqlWork,
        schema: &SchemaRef,
        inputs: Vec<(String, StepTable)>,
        tasks: &Tasks,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partitions = if work.streamed.is_some() { 1 } else { work.partitions as usize };
        let mut builder = self.session(partitions);
        if work.streamed.is_some() {
            // It would swap the sides of joins by size; which side is streamed decides here.
            let rules = PhysicalOptimizer::new().rules;
            let kept = rules.into_iter().filter(|rule| rule.name() != "join_selection");
            builder = builder.with_physical_optimizer_rules(kept.collect());
        }
        let context = SessionContext::new_with_state(builder.build());
        for (name, table) in inputs {
            context.register_table(table_reference(&name), Arc::new(table))?;
        }
        let logical = logical_plan(&context, &work.query).await?;
        let state = context.state();
        let mut optimized = state.optimize(&logical)?;
        if let Some(streamed) = &work.streamed {
            optimized = stream_right(optimized, streamed)?;
        }
        let mut plan = state.query_planner().create_physical_plan(&optimized, &state).await?;
        if plan.output_partitioning().partition_count() > 1 {
            plan = Arc::new(CoalescePartitionsExec::new(plan));
        }
        let (step, visible) = (step.to_owned(), Arc::clone(schema));
        let count = CountWork { step: step.clone(), visible, tasks: Arc::clone(tasks) };
        let counted = UnaryExec::plan(count, plan);
        let visible = Arc::clone(schema);
        Ok(UnaryExec::plan(NumberWork { step, visible }, counted))
    }
}

/// A session with what SQL steps may use, and nothing that depends on the machine.
pub(crate) fn session(partitions: usize) -> SessionStateBuilder {
    let mut config = SessionConfig::new().with_target_partitions(partitions);
    let options = config.options_mut();
    // Text keeps the layout that crosses the sandbox without a copy.
    options.sql_parser.map_string_types_to_utf8view = false;
    // One partition is one task; more are asked for by the step itself.
    options.optimizer.enable_round_robin_repartition = partitions > 1;
    SessionStateBuilder::new().with_config(config).with_default_features()
}

/// The schema that a query's result has between steps: views, which some functions give, made plain.
pub(crate) fn plain_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            other => other.clone(),
        };
        Field::new(field.name(), data_type, field.is_nullable())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Puts the side of each join that is streamed to the right: a join keeps its left side in memory, and
/// passes its right side through in order.
fn stream_right(plan: LogicalPlan, table: &str) -> Result<LogicalPlan> {
    let transformed = plan.transform_up(|node| match node {
        LogicalPlan::Join(join) if reads(&join.left, table)? => {
            Ok(Transformed::yes(swapped(join)?))
        }
        other => Ok(Transformed::no(other)),
    })?;
    Ok(transformed.data)
}

fn reads(plan: &LogicalPlan, table: &str) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found |= matches!(node, LogicalPlan::TableScan(scan) if scan.table_name.table() == table);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn swapped(join: Join) -> Result<LogicalPlan> {
    let columns: Vec<Expr> = join.schema.columns().into_iter().map(Expr::Column).collect();
    let one_sided = matches!(join.join_type, JoinType::LeftSemi | JoinType::LeftAnti);
    let joined = LogicalPlan::Join(Join::try_new(
        join.right,
        join.left,
        join.on.into_iter().map(|(left, right)| (right, left)).collect(),
        join.filter,
        join.join_type.swap(),
        join.join_constraint,
        join.null_equality,
        join.null_aware,
    )?);
    if one_sided {
        return Ok(joined);
    }
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(joined))?))
}
