//! What a whole run published: Parquet files, read back to be compared.
//!
//! Each subject has files, order and types of text of its own. So rows are put in order, and columns into the types of Wasmill.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::compute::{SortColumn, cast, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::measure::Error;

/// The columns of `schema` of all files below `folder`, in the order of its first `keys` columns.
pub fn read(folder: &Path, schema: &SchemaRef, keys: usize) -> Result<RecordBatch, Error> {
    let mut files = Vec::new();
    files_below(folder, &mut files)?;
    let mut batches = Vec::new();
    for file in files {
        let opened = fs::File::open(&file)?;
        for batch in ParquetRecordBatchReaderBuilder::try_new(opened)?.build()? {
            let batch = batch?;
            let mut columns = Vec::new();
            for field in schema.fields() {
                let column = batch.column_by_name(field.name()).ok_or_else(|| {
                    format!("{} has no column `{}`", file.display(), field.name())
                })?;
                columns.push(cast(column, field.data_type())?);
            }
            batches.push(RecordBatch::try_new(SchemaRef::clone(schema), columns)?);
        }
    }
    let rows = concat_batches(schema, &batches)?;
    let key = |index: usize| SortColumn { values: rows.column(index).clone(), options: None };
    let order = lexsort_to_indices(&(0..keys).map(key).collect::<Vec<_>>(), None)?;
    Ok(take_record_batch(&rows, &order)?)
}

/// Files whose names, or whose folders' names, begin with a dot or an underscore are not data, by custom.
fn files_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |error| format!("{}: {error}", folder.display());
    for entry in folder.read_dir().map_err(unreadable)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            files_below(&path, files)?;
        } else if name.ends_with(".parquet") {
            files.push(path);
        }
    }
    Ok(())
}
