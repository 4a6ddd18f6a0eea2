//! The column that goes with every batch between nodes: the position of each row in its split.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};
use arrow::error::ArrowError;

/// The name of the column. Null for rows that belong to no record of the split.
pub(crate) const ROW: &str = "__wasmill_row";

/// A schema with the column, last.
pub(crate) fn with_row(schema: &Schema) -> SchemaRef {
    let row = Arc::new(Field::new(ROW, DataType::UInt64, true));
    let fields = schema.fields().iter().cloned().chain([row]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A batch with the positions of its rows.
#[derive(Debug)]
pub(crate) struct Numbered {
    /// Without the column.
    pub(crate) batch: RecordBatch,
    pub(crate) rows: ArrayRef,
}

impl Numbered {
    /// No rows at all.
    pub(crate) fn empty(schema: &SchemaRef) -> Self {
        Self { batch: RecordBatch::new_empty(Arc::clone(schema)), rows: counted(0, 0) }
    }

    /// Takes the column off, and gives the rest the schema `visible`, which may be more nullable.
    pub(crate) fn detach(batch: &RecordBatch, visible: &SchemaRef) -> Result<Self, ArrowError> {
        let last = batch.num_columns() - 1;
        let columns = batch.columns()[..last].to_vec();
        let batch_options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let rows = Arc::clone(batch.column(last));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(visible), columns, &batch_options)?;
        Ok(Self { batch, rows })
    }

    /// Puts the column back.
    pub(crate) fn attach(self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.batch.columns().to_vec();
        columns.push(self.rows);
        RecordBatch::try_new(Arc::clone(schema), columns)
    }

    pub(crate) fn slice(&self, range: &std::ops::Range<usize>) -> Self {
        Self {
            batch: self.batch.slice(range.start, range.len()),
            rows: self.rows.slice(range.start, range.len()),
        }
    }

    /// The position of a row in the split, where it has one.
    pub(crate) fn position(&self, row: usize) -> Option<u64> {
        self.rows.is_valid(row).then(|| self.rows.as_primitive::<UInt64Type>().value(row))
    }
}

/// Positions from `first` on.
pub(crate) fn counted(first: u64, rows: usize) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(first..first + rows as u64))
}
