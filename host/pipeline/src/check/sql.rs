//! SQL steps: what columns a query gives, and whether it can be computed split by split.
//!
//! A query is **streamed** over one of its inputs when the rows of its result can be computed from the rows of
//! that input a few at a time: projections, filters, and joins that keep each of its rows in view, with the other inputs read whole
//! by each task. Everything else (aggregates, windows, sorts, distinct, limits, unions,
//! subqueries, a second look at the same input) needs all rows: a barrier.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::logical_expr::{Expr, JoinType, LogicalPlan};

use crate::exec::sql::{plain_schema, session};

/// A query, planned over its inputs.
#[derive(Debug)]
pub struct PlannedQuery {
    /// The columns that it gives.
    pub schema: SchemaRef,
    /// The input over which it is streamed.
    pub streamed: Option<String>,
}

/// Plans a query over inputs with these schemas.
///
/// # Errors
///
/// Whatever DataFusion finds wrong with the query; anything but a SELECT.
pub async fn plan_query(query: &str, inputs: &[(String, SchemaRef)]) -> Result<PlannedQuery> {
    let context = SessionContext::new_with_state(session(1).build());
    for (name, schema) in inputs {
        let table: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(Arc::clone(schema)));
        context.register_table(table_reference(name), table)?;
    }
    let plan = logical_plan(&context, query).await?;
    let mut scanned = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            scanned.push(scan.table_name.table().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let once =
        |name: &&(String, SchemaRef)| scanned.iter().filter(|other| **other == name.0).count() == 1;
    let streamed =
        inputs.iter().filter(once).map(|(name, _)| name).find(|name| streams(&plan, name)).cloned();
    Ok(PlannedQuery { schema: plain_schema(plan.schema().as_arrow()), streamed })
}

/// Names are taken as they are written, not folded to lower case.
pub(crate) fn table_reference(name: &str) -> datafusion::common::TableReference {
    datafusion::common::TableReference::bare(name)
}

/// The plan of a SELECT; anything else is refused.
pub(crate) async fn logical_plan(context: &SessionContext, query: &str) -> Result<LogicalPlan> {
    let plan = context.state().create_logical_plan(query).await?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)?;
    if let LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_) = plan
    {
        return Err(DataFusionError::Plan("a SQL step is a SELECT".to_owned()));
    }
    Ok(plan)
}

/// Whether the result can be computed from the rows of `table` a few at a time.
fn streams(plan: &LogicalPlan, table: &str) -> bool {
    if plan.expressions().iter().any(holds_subquery) {
        return false;
    }
    match plan {
        LogicalPlan::TableScan(scan) => scan.table_name.table() == table,
        LogicalPlan::Projection(projection) => streams(&projection.input, table),
        LogicalPlan::Filter(filter) => streams(&filter.input, table),
        LogicalPlan::SubqueryAlias(alias) => streams(&alias.input, table),
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::Inner => streams(&join.left, table) || streams(&join.right, table),
            JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti => streams(&join.left, table),
            JoinType::Right | JoinType::RightSemi | JoinType::RightAnti => {
                streams(&join.right, table)
            }
            _ => false,
        },
        _ => false,
    }
}

fn holds_subquery(expression: &Expr) -> bool {
    expression
        .exists(|expression| {
            Ok(matches!(
                expression,
                Expr::ScalarSubquery(_)
                    | Expr::InSubquery(_)
                    | Expr::Exists(_)
                    | Expr::SetComparison(_)
            ))
        })
        .unwrap_or(true)
}
