//! Steps as the tables of a query.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

/// The rows of a step, without their positions.
pub(crate) struct StepTable {
    /// Without positions.
    visible: SchemaRef,
    /// Gives the rows, positions last.
    rows: Arc<dyn ExecutionPlan>,
}

impl StepTable {
    pub(crate) fn new(visible: SchemaRef, rows: Arc<dyn ExecutionPlan>) -> Self {
        Self { visible, rows }
    }
}

impl fmt::Debug for StepTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StepTable: {:?}", self.rows)
    }
}

#[async_trait]
impl TableProvider for StepTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.visible)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.visible.fields().len()).collect();
        let columns = projection.unwrap_or(&all).iter().map(|&position| {
            let name = self.visible.field(position).name();
            ProjectionExpr { expr: Arc::new(Column::new(name, position)), alias: name.clone() }
        });
        let projected = ProjectionExec::try_new(columns, Arc::clone(&self.rows))?;
        Ok(Arc::new(projected))
    }
}
