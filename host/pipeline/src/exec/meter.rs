//! What comes out of a query: counted, and numbered anew, since a query does not say which row a row came from.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::StreamExt as _;

use crate::exec::rows::{Numbered, counted, with_row};
use crate::exec::task::{StepCounts, Tasks};
use crate::exec::unary::{Batches, Input, UnaryWork, stream};

/// Counts the rows that a query gives, as those of its step.
pub(crate) struct CountWork {
    pub(crate) step: String,
    pub(crate) visible: SchemaRef,
    pub(crate) tasks: Tasks,
}

impl UnaryWork for CountWork {
    const NAME: &'static str = "CountExec";

    fn label(&self) -> &str {
        &self.step
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.visible)
    }

    fn start(self: Arc<Self>, input: Input) -> Result<SendableRecordBatchStream> {
        let task = Arc::clone(&self.tasks[input.partition]);
        // The step shows up in the report even when no row comes.
        task.count(&self.step, &StepCounts::default());
        let schema = self.schema();
        let counted = input.read()?.map(move |batch| {
            let batch = batch?;
            let rows_out = batch.num_rows() as u64;
            task.count(&self.step, &StepCounts { rows_out, ..StepCounts::default() });
            Ok(as_planned(&batch, &self.visible)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, counted)))
    }
}

/// The batch with the schema that was planned: operators may make columns less nullable, and give views.
fn as_planned(batch: &RecordBatch, visible: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(visible.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            Ok(Arc::clone(column))
        } else {
            cast(column, field.data_type())
        }
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(visible), columns, &options)
}

/// Numbers rows from 0 on: their positions in what the query gave to this task.
pub(crate) struct NumberWork {
    pub(crate) step: String,
    /// Without the column of positions.
    pub(crate) visible: SchemaRef,
}

impl UnaryWork for NumberWork {
    const NAME: &'static str = "NumberExec";

    fn label(&self) -> &str {
        &self.step
    }

    fn schema(&self) -> SchemaRef {
        with_row(&self.visible)
    }

    fn start(self: Arc<Self>, input: Input) -> Result<SendableRecordBatchStream> {
        let (input, schema) = (input.read()?, self.schema());
        Ok(stream(Arc::clone(&schema), Numbering { input, work: self, schema, next: 0 }))
    }
}

struct Numbering {
    input: SendableRecordBatchStream,
    work: Arc<NumberWork>,
    schema: SchemaRef,
    next: u64,
}

impl Batches for Numbering {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.input.next().await.transpose()? else { return Ok(None) };
        let batch = batch.with_schema(Arc::clone(&self.work.visible))?;
        let rows = counted(self.next, batch.num_rows());
        self.next += batch.num_rows() as u64;
        Ok(Some(Numbered { batch, rows }.attach(&self.schema)?))
    }
}
