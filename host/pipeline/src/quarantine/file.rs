//! Reading quarantine files.
//!
//! Rows are counted from 0 by their place in the file, or named by the column `index` where rows were removed from it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StructArray, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, UInt64Type};
use arrow::error::ArrowError;
use arrow_ipc::reader::FileReader;
use serde::Serialize;
use serde_json::{Map, Value};
use wasmill_connect::error::{ConnectError, Result};
use wasmill_ledger::BrokenRule;
use wasmill_sandbox::contract::json;

use crate::exec::quarantine::{FaultRecord, Reason, raw_fields};

/// The column that holds the row itself.
const ROW: &str = "row";
/// The column that keeps the index of each row where others were removed.
const INDEX: &str = "index";
const REASONS: &str = "reasons";

/// A quarantined row, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct QuarantinedRow {
    pub step: String,
    /// The plugin's digest; empty where no plugin was at work.
    pub plugin: String,
    pub split: String,
    /// In the file, counted from 0.
    pub index: u64,
    /// In the split, counted from 0.
    pub position: Option<u64>,
    /// Where a person would look for it, where that is known better than by position.
    pub place: Option<String>,
    pub reasons: Vec<Reason>,
    /// Of a row that made the plugin fail: what is known of the call.
    pub fault: Option<FaultRecord>,
    /// The row as a JSON object.
    pub row: Value,
}

/// A quarantine file that is being read.
pub(crate) struct HeldFile {
    path: PathBuf,
    reader: FileReader<BufReader<File>>,
    /// Of the next row, where the file does not say.
    next: u64,
}

/// Some rows of a quarantine file.
pub(crate) struct HeldBatch {
    pub(crate) batch: RecordBatch,
    /// Of each row.
    pub(crate) indices: UInt64Array,
}

impl HeldFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::open_columns(path, |_| true)
    }

    /// Reads why rows were held back, and not the rows.
    pub(crate) fn open_reasons(path: &Path) -> Result<Self> {
        Self::open_columns(path, |name| [REASONS, INDEX].contains(&name))
    }

    fn open_columns(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Self> {
        let arrow = |source| ConnectError::Arrow { path: path.to_owned(), source };
        let open = || -> Result<BufReader<File>> {
            let file = File::open(path).map_err(|source| ConnectError::Io {
                action: "cannot open",
                path: path.to_owned(),
                source,
            })?;
            Ok(BufReader::new(file))
        };
        let reader = FileReader::try_new(open()?, None).map_err(arrow)?;
        let schema = reader.schema();
        let columns: Vec<usize> = (0..schema.fields().len())
            .filter(|&column| wanted(schema.field(column).name()))
            .collect();
        let reader = if columns.len() == schema.fields().len() {
            reader
        } else {
            FileReader::try_new(open()?, Some(columns)).map_err(arrow)?
        };
        Ok(Self { path: path.to_owned(), reader, next: 0 })
    }

    /// The columns of the rows that were held back.
    pub(crate) fn row_fields(&self) -> Result<Fields> {
        match self.reader.schema().field_with_name(ROW).map(Field::data_type) {
            Ok(DataType::Struct(fields)) => Ok(fields.clone()),
            _ => Err(foreign(&self.path)),
        }
    }
}

impl Iterator for HeldFile {
    type Item = Result<HeldBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = match self.reader.next()? {
            Ok(batch) => batch,
            Err(source) => {
                return Some(Err(ConnectError::Arrow { path: self.path.clone(), source }));
            }
        };
        let rows = batch.num_rows() as u64;
        let indices = match batch.column_by_name(INDEX) {
            Some(column) => column.as_primitive_opt::<UInt64Type>().cloned(),
            None => Some(UInt64Array::from_iter_values(self.next..self.next + rows)),
        };
        self.next += rows;
        Some(match indices {
            Some(indices) => Ok(HeldBatch { batch, indices }),
            None => Err(foreign(&self.path)),
        })
    }
}

impl HeldBatch {
    /// The rows as they were, a struct of their columns.
    pub(crate) fn rows(&self) -> Option<&StructArray> {
        self.batch.column_by_name(ROW)?.as_struct_opt()
    }

    /// Why each row was held back.
    pub(crate) fn reasons(&self) -> Option<Vec<Vec<BrokenRule>>> {
        let lists = self.batch.column_by_name(REASONS)?.as_list_opt::<i32>()?;
        let reasons = |list: ArrayRef| {
            let reasons = list.as_struct_opt()?;
            let rules = reasons.column_by_name("rule")?.as_string_opt::<i32>()?;
            let columns = reasons.column_by_name("column")?.as_string_opt::<i32>()?;
            let texts = rules.iter().zip(columns.iter());
            Some(
                texts
                    .map(|(rule, column)| {
                        (rule.unwrap_or_default().to_owned(), column.map(str::to_owned))
                    })
                    .collect(),
            )
        };
        (0..lists.len()).map(|row| reasons(lists.value(row))).collect()
    }

    /// A column of text, of numbers, or of whatever else the file has beside the rows.
    pub(crate) fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    /// The batch with the index of each row in it.
    pub(crate) fn with_indices(&self) -> std::result::Result<RecordBatch, ArrowError> {
        if self.batch.column_by_name(INDEX).is_some() {
            return Ok(self.batch.clone());
        }
        let schema = self.batch.schema();
        let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
        let mut columns = self.batch.columns().to_vec();
        let at = schema.index_of(ROW)?;
        fields.insert(at, Arc::new(Field::new(INDEX, DataType::UInt64, false)));
        columns.insert(at, Arc::new(self.indices.clone()));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
    }
}

/// A file that is no quarantine file.
pub(crate) fn foreign(path: &Path) -> ConnectError {
    let message = "this is no file of quarantined rows".to_owned();
    ConnectError::Data { path: path.to_owned(), message }
}

/// Reads a file of quarantined rows.
///
/// # Errors
///
/// When it cannot be read, or is none.
pub fn read_quarantine(file: &Path) -> Result<Vec<QuarantinedRow>> {
    let arrow = |source| ConnectError::Arrow { path: file.to_owned(), source };
    let mut rows = Vec::new();
    for batch in HeldFile::open(file)? {
        let batch = batch?;
        let shown = shown(&batch).map_err(arrow)?;
        let json: Vec<Map<String, Value>> = serde_json::from_str(&shown)
            .map_err(|error| arrow(ArrowError::JsonError(error.to_string())))?;
        for (mut object, index) in json.into_iter().zip(batch.indices.values()) {
            let mut field = |name: &str| object.remove(name).unwrap_or_default();
            rows.push(QuarantinedRow {
                step: field("step").as_str().unwrap_or_default().to_owned(),
                plugin: field("plugin").as_str().unwrap_or_default().to_owned(),
                split: field("split").as_str().unwrap_or_default().to_owned(),
                index: *index,
                position: field("position").as_u64(),
                place: field("place").as_str().map(str::to_owned),
                reasons: serde_json::from_value(field(REASONS)).unwrap_or_default(),
                fault: serde_json::from_value(field("fault")).unwrap_or_default(),
                row: field(ROW),
            });
        }
    }
    Ok(rows)
}

/// A batch of quarantined rows as JSON. Raw records are shown as text.
fn shown(held: &HeldBatch) -> std::result::Result<String, ArrowError> {
    let batch = &held.batch;
    let Some(row) = held.rows().filter(|row| row.fields() == &raw_fields()) else {
        return json::encode(batch);
    };
    let raw = row.column(0).as_binary::<i32>();
    let text = StringArray::from_iter_values(
        raw.iter().map(|raw| String::from_utf8_lossy(raw.unwrap_or_default()).into_owned()),
    );
    let raw: FieldRef = Arc::new(Field::new("raw", DataType::Utf8, false));
    let row = StructArray::from(vec![(raw, Arc::new(text) as ArrayRef)]);
    let at = batch.schema().index_of(ROW)?;
    let mut fields: Vec<FieldRef> = batch.schema().fields().iter().cloned().collect();
    let mut columns = batch.columns().to_vec();
    fields[at] = Arc::new(Field::new(ROW, row.data_type().clone(), false));
    columns[at] = Arc::new(row);
    json::encode(&RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
