//! Rows and records of quarantine files as sources: one split for each file, with the rows of it that are meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Fields, Schema, SchemaRef, UInt64Type};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use wasmill_connect::error::{ConnectError, Result};
use wasmill_connect::source::{RawRecord, Source, SourceBatch, SourceSplit};

use crate::exec::quarantine::raw_fields;
use crate::quarantine::file::{HeldBatch, HeldFile, foreign};

/// Some rows of a quarantine file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldSplit {
    file: PathBuf,
    /// Indices from and to, in order, the end left out.
    indices: Vec<(u64, u64)>,
}

impl HeldSplit {
    /// Of indices in order, each once.
    pub(crate) fn new(file: PathBuf, indices: impl Iterator<Item = u64>) -> Self {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for index in indices {
            match ranges.last_mut() {
                Some((_, end)) if *end == index => *end += 1,
                _ => ranges.push((index, index + 1)),
            }
        }
        Self { file, indices: ranges }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    fn rows(&self) -> u64 {
        self.indices.iter().map(|(start, end)| end - start).sum()
    }

    fn has(&self, index: u64) -> bool {
        let after = self.indices.partition_point(|(start, _)| *start <= index);
        after > 0 && index < self.indices[after - 1].1
    }

    fn parse(split: &SourceSplit) -> Result<Self> {
        Self::deserialize(&split.descriptor)
            .map_err(|_| ConnectError::Descriptor { descriptor: split.descriptor.to_string() })
    }

    /// The rows that are meant, batch by batch. That any of them is missing is an error at the end.
    fn read(self) -> Result<impl Iterator<Item = Result<HeldBatch>>> {
        let mut batches = HeldFile::open(&self.file)?;
        let mut missing = self.rows();
        Ok(std::iter::from_fn(move || {
            loop {
                let batch = match batches.next() {
                    Some(batch) => batch.and_then(|batch| self.meant(batch)),
                    None if missing > 0 => {
                        let message = format!("{missing} rows are gone that are to be put through");
                        missing = 0;
                        return Some(Err(ConnectError::Damaged {
                            path: self.file.clone(),
                            message,
                        }));
                    }
                    None => return None,
                };
                if let Ok(batch) = &batch {
                    if batch.indices.is_empty() {
                        continue;
                    }
                    missing = missing.saturating_sub(batch.indices.len() as u64);
                }
                return Some(batch);
            }
        }))
    }

    fn meant(&self, held: HeldBatch) -> Result<HeldBatch> {
        let arrow = |source| ConnectError::Arrow { path: self.file.clone(), source };
        let mask: BooleanArray =
            held.indices.values().iter().map(|index| Some(self.has(*index))).collect();
        let batch = filter_record_batch(&held.batch, &mask).map_err(arrow)?;
        let indices = arrow::compute::filter(&held.indices, &mask).map_err(arrow)?;
        Ok(HeldBatch { batch, indices: indices.as_primitive::<UInt64Type>().clone() })
    }
}

fn splits_of(splits: &[HeldSplit]) -> Vec<SourceSplit> {
    let split = |split: &HeldSplit| SourceSplit {
        descriptor: serde_json::to_value(split).expect("descriptors are plain data"),
        rows: Some(split.rows()),
        bytes: None,
    };
    splits.iter().map(split).collect()
}

/// Rows that a step held back, with the columns that it takes now.
pub(crate) struct HeldRowsSource {
    schema: SchemaRef,
    splits: Vec<HeldSplit>,
}

impl HeldRowsSource {
    /// Makes sure that the rows of all files have the columns.
    ///
    /// # Errors
    ///
    /// What differs, a line each; or that a file cannot be read.
    pub(crate) fn new(
        schema: SchemaRef,
        splits: Vec<HeldSplit>,
    ) -> Result<std::result::Result<Self, Vec<String>>> {
        for split in &splits {
            let held = HeldFile::open(split.file())?.row_fields()?;
            let differences = differences(&held, &schema);
            if !differences.is_empty() {
                return Ok(Err(differences));
            }
        }
        Ok(Ok(Self { schema, splits }))
    }
}

/// What keeps rows with columns `held` from being rows of `now`. The order of columns does not.
fn differences(held: &Fields, now: &Schema) -> Vec<String> {
    let mut lines = Vec::new();
    for field in now.fields() {
        let name = field.name();
        match held.iter().find(|other| other.name() == name) {
            None => lines.push(format!("column `{name}` is new")),
            Some(before) if before.data_type() != field.data_type() => lines.push(format!(
                "column `{name}` is {} and was {}",
                shown(field.data_type()),
                shown(before.data_type())
            )),
            Some(before) if before.is_nullable() && !field.is_nullable() => {
                lines.push(format!("column `{name}` takes no nulls any more"));
            }
            Some(_) => {}
        }
    }
    let gone = held.iter().filter(|field| now.field_with_name(field.name()).is_err());
    lines.extend(gone.map(|field| format!("column `{}` is gone", field.name())));
    lines
}

fn shown(data_type: &DataType) -> String {
    data_type.to_string().to_lowercase()
}

impl Source for HeldRowsSource {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn splits(&self, _wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        futures::future::ready(Ok(splits_of(&self.splits))).boxed()
    }

    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let split = HeldSplit::parse(split)?;
        let (path, schema) = (split.file.clone(), Arc::clone(&self.schema));
        let batches = split.read()?.flat_map(move |held| {
            let rows = held.and_then(|held| rows_of(&held, &schema, &path));
            match rows {
                Ok((batch, positions)) => sliced(batch, positions, batch_rows.max(1)),
                Err(error) => vec![Err(error)],
            }
        });
        Ok(futures::stream::iter(batches).boxed())
    }
}

fn rows_of(
    held: &HeldBatch,
    schema: &SchemaRef,
    path: &Path,
) -> Result<(RecordBatch, UInt64Array)> {
    let rows = held.rows().ok_or_else(|| foreign(path))?;
    let columns: Option<Vec<ArrayRef>> = schema
        .fields()
        .iter()
        .map(|field| rows.column_by_name(field.name()).map(Arc::clone))
        .collect();
    let columns = columns.ok_or_else(|| foreign(path))?;
    let options =
        arrow::array::RecordBatchOptions::new().with_row_count(Some(held.batch.num_rows()));
    let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|source| ConnectError::Arrow { path: path.to_owned(), source })?;
    Ok((batch, held.indices.clone()))
}

fn sliced(
    batch: RecordBatch,
    positions: UInt64Array,
    batch_rows: usize,
) -> Vec<Result<SourceBatch>> {
    let starts = (0..batch.num_rows()).step_by(batch_rows);
    starts
        .map(|start| {
            let rows = batch_rows.min(batch.num_rows() - start);
            Ok(SourceBatch {
                batch: batch.slice(start, rows),
                positions: positions.slice(start, rows),
                bad_records: Vec::new(),
            })
        })
        .collect()
}

/// Records of a source that were none of its rows, read again as it is configured now.
pub(crate) struct HeldRecordsSource {
    pub(crate) connector: Arc<dyn Source>,
    pub(crate) splits: Vec<HeldSplit>,
}

impl Source for HeldRecordsSource {
    fn schema(&self) -> SchemaRef {
        self.connector.schema()
    }

    fn splits(&self, _wanted: Option<u32>) -> BoxFuture<'_, Result<Vec<SourceSplit>>> {
        futures::future::ready(Ok(splits_of(&self.splits))).boxed()
    }

    fn read(
        &self,
        split: &SourceSplit,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<SourceBatch>>> {
        let split = HeldSplit::parse(split)?;
        let path = split.file.clone();
        let mut records = Vec::new();
        for held in split.read()? {
            records.extend(records_of(&held?).ok_or_else(|| foreign(&path))?);
        }
        self.connector.reread(records, batch_rows)
    }
}

fn records_of(held: &HeldBatch) -> Option<Vec<RawRecord>> {
    let raw =
        held.rows().filter(|rows| rows.fields() == &raw_fields())?.column(0).as_binary::<i32>();
    let positions = held.column("position")?.as_primitive_opt::<UInt64Type>()?;
    let places = held.column("place")?.as_string_opt::<i32>()?;
    let record = |row: usize| RawRecord {
        position: if positions.is_valid(row) {
            positions.value(row)
        } else {
            held.indices.value(row)
        },
        place: if places.is_valid(row) { places.value(row) } else { "" }.to_owned(),
        raw: raw.value(row).to_owned(),
    };
    Some((0..raw.len()).map(record).collect())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    #[test]
    fn indices_are_kept_as_ranges() {
        let split = HeldSplit::new("f".into(), [0, 1, 2, 5, 7, 8].into_iter());
        assert_eq!(split.indices, [(0, 3), (5, 6), (7, 9)]);
        assert_eq!(split.rows(), 6);
        let has: Vec<u64> = (0..10).filter(|index| split.has(*index)).collect();
        assert_eq!(has, [0, 1, 2, 5, 7, 8]);
    }

    #[test]
    fn only_rows_that_fit_are_put_through() {
        let field = |name: &str, data_type, nullable| Field::new(name, data_type, nullable);
        let held = Fields::from(vec![
            field("same", DataType::Utf8, true),
            field("wider", DataType::Int64, false),
            field("narrower", DataType::Int64, true),
            field("other", DataType::Utf8, true),
            field("gone", DataType::Utf8, true),
        ]);
        let now = Schema::new(vec![
            field("new", DataType::Utf8, true),
            field("other", DataType::Int64, true),
            field("narrower", DataType::Int64, false),
            field("wider", DataType::Int64, true),
            field("same", DataType::Utf8, true),
        ]);
        assert_eq!(
            differences(&held, &now),
            [
                "column `new` is new",
                "column `other` is int64 and was utf8",
                "column `narrower` takes no nulls any more",
                "column `gone` is gone",
            ]
        );
    }
}
