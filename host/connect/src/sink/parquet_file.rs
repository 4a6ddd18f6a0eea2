//! One Parquet file that is being written: compressed with zstd, with dictionaries where values repeat.
//!
//! Left to itself, the writer tries a dictionary for every column, and gives it up when it has grown to 1 MiB. For a column of
//! ids that is a hash table of 131,072 different numbers for nothing, and again in each row group. So the first batch decides:
//! a column in which nearly every value is another one is written as it is. That concerns speed and size only, never what is read.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// Row groups are closed when they hold this much, so that a writer's memory is bounded.
const ROW_GROUP_BYTES: usize = 64 << 20;
/// Of fewer values nothing can be said about the rest.
const TELLING_VALUES: usize = 1_024;
/// Values are nearly all different when at most one in so many repeats another. Among 8,192 that is so where they are drawn from
/// 200,000 or more: too many for a dictionary of 1 MiB.
const ONE_REPEATED_IN: usize = 50;

/// The writer of a file, which cannot be made before there is a batch.
pub struct ParquetFile<W: Write + Send> {
    schema: SchemaRef,
    /// Until the first batch.
    file: Option<W>,
    /// From the first batch on.
    writer: Option<ArrowWriter<W>>,
}

impl<W: Write + Send> ParquetFile<W> {
    pub fn new(file: W, schema: SchemaRef) -> Self {
        Self { schema, file: Some(file), writer: None }
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if let Some(file) = self.file.take() {
            self.writer = Some(open(file, &self.schema, Some(batch))?);
        }
        let writer = self.writer.as_mut().ok_or_else(failed_before)?;
        writer.write(batch)?;
        if writer.in_progress_size() > ROW_GROUP_BYTES {
            writer.flush()?;
        }
        Ok(())
    }

    /// Ends the file. Where there was no batch, it is one without rows.
    pub fn finish(self) -> Result<W> {
        match self.file {
            Some(file) => open(file, &self.schema, None)?.into_inner(),
            None => self.writer.ok_or_else(failed_before)?.into_inner(),
        }
    }
}

fn failed_before() -> ParquetError {
    ParquetError::General("the file could not be begun".to_owned())
}

fn open<W: Write + Send>(
    file: W,
    schema: &SchemaRef,
    first: Option<&RecordBatch>,
) -> Result<ArrowWriter<W>> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("wasmill".to_owned());
    for (field, column) in schema.fields().iter().zip(first.map_or(&[][..], RecordBatch::columns)) {
        if is_nearly_distinct(column) {
            let path = ColumnPath::from(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    ArrowWriter::try_new(file, Arc::clone(schema), Some(properties.build()))
}

/// Whether nearly every value is another one. Never of columns of other than numbers, times, text and bytes.
fn is_nearly_distinct(column: &ArrayRef) -> bool {
    let rows = (0..column.len()).filter(|&row| column.is_valid(row));
    let distinct: HashSet<&[u8]> = match column.data_type() {
        DataType::Utf8 => rows.map(|row| column.as_string::<i32>().value(row).as_bytes()).collect(),
        DataType::LargeUtf8 => {
            rows.map(|row| column.as_string::<i64>().value(row).as_bytes()).collect()
        }
        DataType::Binary => rows.map(|row| column.as_binary::<i32>().value(row)).collect(),
        DataType::LargeBinary => rows.map(|row| column.as_binary::<i64>().value(row)).collect(),
        data_type => {
            let Some(width) = data_type.primitive_width() else { return false };
            let data = column.to_data();
            let values = &data.buffers()[0].as_slice()[data.offset() * width..];
            let distinct: HashSet<&[u8]> =
                rows.map(|row| &values[row * width..(row + 1) * width]).collect();
            return is_telling(distinct.len(), column);
        }
    };
    is_telling(distinct.len(), column)
}

fn is_telling(distinct: usize, column: &ArrayRef) -> bool {
    let values = column.len() - column.null_count();
    values >= TELLING_VALUES && distinct >= values - values / ONE_REPEATED_IN
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Int64Array, StringArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::basic::Encoding;

    use super::*;
    use crate::sink::hashed_file::HashedFile;

    const ROWS: usize = 8_192;

    /// Numbers that differ, and such that repeat; both as text too; and what is never looked at.
    fn batch(rows: usize) -> RecordBatch {
        let different = || (0..rows).map(|row| (row % 50 != 7).then_some(row as i64));
        let repeated = || (0..rows).map(|row| Some(row as i64 % 500));
        let texts = |numbers: Vec<Option<i64>>| -> ArrayRef {
            let texts = numbers.into_iter().map(|number| Some(format!("text {}", number?)));
            Arc::new(texts.collect::<StringArray>())
        };
        let columns: [(&str, ArrayRef); 5] = [
            ("different", Arc::new(different().collect::<Int64Array>())),
            ("repeated", Arc::new(repeated().collect::<Int64Array>())),
            ("different.text", texts(different().collect())),
            ("repeated.text", texts(repeated().collect())),
            ("boolean", Arc::new(BooleanArray::from(vec![true; rows]))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn a_dictionary_is_for_columns_whose_values_repeat() {
        let decide = |batch: &RecordBatch| -> Vec<bool> {
            batch.columns().iter().map(is_nearly_distinct).collect()
        };
        assert_eq!(decide(&batch(ROWS)), [true, false, true, false, false]);
        // A part of an array has its own values.
        let late = batch(3 * ROWS).slice(ROWS, ROWS);
        assert_eq!(decide(&late), [true, false, true, false, false]);
        assert_eq!(decide(&batch(TELLING_VALUES)), [false; 5], "with nulls there are fewer values");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let batch = batch(ROWS);
        for batches in 0..3 {
            let path = folder.path().join(format!("{batches}.parquet"));
            let mut file =
                ParquetFile::new(HashedFile::create(path.clone()).unwrap(), batch.schema());
            for _ in 0..batches {
                file.write(&batch).unwrap();
            }
            let mut file = file.finish().unwrap();
            file.flush().unwrap();
            file.finish("stem".to_owned(), 0).unwrap();
            let opened = std::fs::File::open(path).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(opened).unwrap();
            let with_dictionary: Vec<bool> =
                reader.metadata().row_groups().first().map_or_else(Vec::new, |group| {
                    let is_dictionary = |encoding| encoding == Encoding::RLE_DICTIONARY;
                    let columns = group.columns().iter();
                    columns.map(|column| column.encodings().any(is_dictionary)).collect()
                });
            if batches > 0 {
                assert_eq!(with_dictionary, [false, true, false, true, false]);
            }
            let read: Vec<RecordBatch> =
                reader.with_batch_size(ROWS).build().unwrap().map(Result::unwrap).collect();
            assert_eq!(read, vec![batch.clone(); batches]);
        }
    }
}
