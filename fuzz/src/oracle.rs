//! What must hold of rows that were taken from a plugin.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, SchemaRef};
use wasmill_contract::lower::Lowered;
use wasmill_contract::schema::crossing_type;

/// Columns of exactly these fields and this many rows, which keep all of Arrow's promises.
pub fn check_columns(columns: &[ArrayRef], fields: &[FieldRef], rows: usize) {
    assert_eq!(columns.len(), fields.len(), "one column per field");
    for (column, field) in columns.iter().zip(fields) {
        assert_eq!(column.data_type(), field.data_type(), "{}", field.name());
        assert_eq!(column.len(), rows, "{}", field.name());
        // Looked for in any case: it must not take much memory.
        let nulls = column.logical_nulls().map_or(0, |nulls| nulls.null_count());
        assert!(
            field.is_nullable() || nulls == 0,
            "column {} has nulls and was declared without",
            field.name()
        );
        let valid = column.to_data().validate_full();
        assert!(valid.is_ok(), "column {}, {}: {valid:?}", field.name(), field.data_type());
    }
}

/// As [`check_columns`]; also, the batch can cross into the next plugin.
pub fn check_batch(batch: &RecordBatch, schema: &SchemaRef, rows: usize) {
    assert_eq!(batch.schema_ref(), schema);
    assert_eq!(batch.num_rows(), rows);
    check_columns(batch.columns(), schema.fields(), rows);
    let crosses = |position: &usize| crossing_type(schema.field(*position).data_type()).is_ok();
    let positions: Vec<usize> = (0..batch.num_columns()).filter(crosses).collect();
    Lowered::new(batch, &positions).expect("columns of types that cross");
}
