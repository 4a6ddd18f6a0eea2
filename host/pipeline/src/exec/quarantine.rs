//! Quarantined rows: kept whole, with where they come from and why they were held back.
//!
//! One Arrow file for each step of each accepted attempt. The row itself is the column `row`, a
//! struct of the columns that the step saw, so no type is lost; of a record that never became a row it holds the raw bytes.
//! [`crate::quarantine`] is what is done with them later.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, ListBuilder, RecordBatch, StringArray, StringBuilder, StructArray,
    StructBuilder, UInt32Array, UInt64Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use serde::{Deserialize, Serialize};
use wasmill_connect::error::{ConnectError, Result};
use wasmill_connect::sink::StageWriter as _;
use wasmill_connect::sink::ipc::IpcStageWriter;
use wasmill_connect::source::BadRecord;
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::fault::Fault;

use crate::exec::blame::Blame;
use crate::exec::rows::Numbered;
use crate::exec::task::Task;
use crate::explain::Explanation;
use crate::file::secrets::Redaction;

/// Why a row was held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub rule: String,
    pub column: Option<String>,
    pub message: String,
}

impl Reason {
    /// Of a row that makes a plugin fail: the rule is the kind of the fault.
    pub(crate) fn of_fault(fault: &Fault, secrets: &Redaction) -> Self {
        let message = secrets.apply(&fault.explained());
        Self { rule: fault.kind().name().to_owned(), column: None, message }
    }
}

/// What is known of the call that a row made fail, beside the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// What the call used up, in units of about one WebAssembly instruction; 0 where fuel is not metered.
    pub fuel: u64,
    /// Where in the plugin, innermost first.
    pub stack: Vec<String>,
    /// The last log lines of the instance, oldest first.
    pub log: Vec<String>,
    /// All of it for a person, on several lines.
    pub explanation: String,
}

impl FaultRecord {
    pub(crate) fn new(blame: &Blame, explanation: &Explanation, secrets: &Redaction) -> Self {
        Self {
            fuel: blame.fuel,
            stack: blame.fault.stack().iter().map(ToString::to_string).collect(),
            log: blame.last_lines.iter().map(|line| secrets.apply(line)).collect(),
            explanation: secrets.apply(&explanation.to_string()),
        }
    }
}

/// The file of one step's quarantined rows, with what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineFile {
    pub step: String,
    pub file: PathBuf,
    pub rows: u64,
    /// How often each rule was violated, with the column at fault. A row may violate several.
    pub rules: Vec<(String, Option<String>, u64)>,
}

/// The rows that findings name, each with all that was found.
pub(crate) fn reasons_by_row(findings: &[Finding]) -> BTreeMap<u32, Vec<Reason>> {
    let mut by_row: BTreeMap<u32, Vec<Reason>> = BTreeMap::new();
    for finding in findings {
        for &row in &finding.rows {
            by_row.entry(row).or_default().push(Reason {
                rule: finding.rule.clone(),
                column: finding.column.clone(),
                message: finding.message.clone(),
            });
        }
    }
    by_row
}

/// Writes the quarantined rows of one step in one attempt.
pub(crate) struct QuarantineWriter {
    step: String,
    /// The plugin's digest; empty where no plugin is at work.
    digest: String,
    split: String,
    schema: SchemaRef,
    path: PathBuf,
    writer: Box<IpcStageWriter>,
    rows: u64,
    rules: BTreeMap<(String, Option<String>), u64>,
}

fn reason_fields() -> Fields {
    Fields::from(vec![
        Field::new("rule", DataType::Utf8, false),
        Field::new("column", DataType::Utf8, true),
        Field::new("message", DataType::Utf8, false),
    ])
}

fn fault_fields() -> Fields {
    let texts = || DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    Fields::from(vec![
        Field::new("fuel", DataType::UInt64, false),
        Field::new("stack", texts(), false),
        Field::new("log", texts(), false),
        Field::new("explanation", DataType::Utf8, false),
    ])
}

fn file_schema(row: &Fields) -> SchemaRef {
    let reason: FieldRef = Arc::new(Field::new("item", DataType::Struct(reason_fields()), true));
    Arc::new(Schema::new(vec![
        Field::new("step", DataType::Utf8, false),
        Field::new("plugin", DataType::Utf8, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("position", DataType::UInt64, true),
        Field::new("place", DataType::Utf8, true),
        Field::new("reasons", DataType::List(reason), false),
        Field::new("fault", DataType::Struct(fault_fields()), true),
        Field::new("row", DataType::Struct(row.clone()), false),
    ]))
}

/// The one column of records that never became rows.
pub(crate) fn raw_fields() -> Fields {
    Fields::from(vec![Field::new("raw", DataType::Binary, false)])
}

impl QuarantineWriter {
    fn create(task: &Task, step: &str, digest: String, row: &Fields) -> Result<Self> {
        let name = task.part_name();
        let file = format!("{step}-{}-{}.arrow", name.stem, name.attempt);
        let schema = file_schema(row);
        let path = task.around.folders.quarantine.join(file);
        let writer = Box::new(IpcStageWriter::create(path.clone(), name.stem, &schema)?);
        Ok(Self {
            step: step.to_owned(),
            digest,
            split: task.split.clone(),
            schema,
            path,
            writer,
            rows: 0,
            rules: BTreeMap::new(),
        })
    }

    fn write(
        &mut self,
        positions: ArrayRef,
        places: ArrayRef,
        reasons: &[&[Reason]],
        fault: Option<&FaultRecord>,
        row: StructArray,
    ) -> Result<()> {
        let count = reasons.len();
        let repeated = |text: &str| Arc::new(StringArray::from(vec![text; count])) as ArrayRef;
        let columns = vec![
            repeated(&self.step),
            repeated(&self.digest),
            repeated(&self.split),
            positions,
            places,
            reasons_array(reasons),
            faults_array(fault, count),
            Arc::new(row) as ArrayRef,
        ];
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|source| ConnectError::Arrow { path: "quarantine".into(), source })?;
        self.writer.write(&batch)?;
        self.rows += count as u64;
        for reason in reasons.iter().flat_map(|reasons| reasons.iter()) {
            *self.rules.entry((reason.rule.clone(), reason.column.clone())).or_default() += 1;
        }
        Ok(())
    }

    /// How many rows each rule held back, in each column.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rules.iter().map(|((rule, _), rows)| (rule.as_str(), *rows))
    }

    /// Removes the file again. That it cannot be removed is no harm: the index does not name it.
    pub(crate) fn discard(self) {
        drop(self.writer);
        drop(std::fs::remove_file(self.path));
    }

    pub(crate) fn finish(self) -> Result<QuarantineFile> {
        let part = self.writer.finish()?;
        let rules =
            self.rules.into_iter().map(|((rule, column), rows)| (rule, column, rows)).collect();
        Ok(QuarantineFile { step: self.step, file: part.path, rows: self.rows, rules })
    }
}

fn reasons_array(rows: &[&[Reason]]) -> ArrayRef {
    let reason = StructBuilder::from_fields(reason_fields(), rows.len());
    let mut lists = ListBuilder::new(reason);
    for reasons in rows {
        for reason in *reasons {
            let fields = lists.values();
            let texts = [Some(&reason.rule), reason.column.as_ref(), Some(&reason.message)];
            for (index, text) in texts.into_iter().enumerate() {
                fields
                    .field_builder::<StringBuilder>(index)
                    .expect("all fields of a reason are text")
                    .append_option(text);
            }
            fields.append(true);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// The same fault for each of `count` rows.
fn faults_array(fault: Option<&FaultRecord>, count: usize) -> ArrayRef {
    let Some(fault) = fault else {
        return arrow::array::new_null_array(&DataType::Struct(fault_fields()), count);
    };
    let mut stacks = ListBuilder::new(StringBuilder::new());
    let mut logs = ListBuilder::new(StringBuilder::new());
    for (lists, texts) in [(&mut stacks, &fault.stack), (&mut logs, &fault.log)] {
        for _ in 0..count {
            lists.append_value(texts.iter().map(Some));
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from(vec![fault.fuel; count])),
        Arc::new(stacks.finish()),
        Arc::new(logs.finish()),
        Arc::new(StringArray::from(vec![fault.explanation.as_str(); count])),
    ];
    Arc::new(StructArray::new(fault_fields(), columns, None))
}

impl Task {
    /// Puts rows of a batch into the quarantine of a step, with the fault that they all cause, if they do.
    pub(crate) fn quarantine_rows(
        &self,
        step: &str,
        digest: Option<String>,
        batch: &Numbered,
        reasons: &BTreeMap<u32, Vec<Reason>>,
        fault: Option<&FaultRecord>,
    ) -> Result<()> {
        if reasons.is_empty() {
            return Ok(());
        }
        let arrow = |source| ConnectError::Arrow { path: "quarantine".into(), source };
        let indices = UInt32Array::from_iter_values(reasons.keys().copied());
        let columns = batch
            .batch
            .columns()
            .iter()
            .map(|column| take(column, &indices, None))
            .collect::<std::result::Result<Vec<_>, _>>()
            .map_err(arrow)?;
        let fields = batch.batch.schema_ref().fields();
        let row = StructArray::try_new_with_length(fields.clone(), columns, None, reasons.len())
            .map_err(arrow)?;
        let positions = take(&batch.rows, &indices, None).map_err(arrow)?;
        let places = arrow::array::new_null_array(&DataType::Utf8, reasons.len());
        let reasons: Vec<&[Reason]> = reasons.values().map(Vec::as_slice).collect();
        self.with_quarantine(
            step,
            || QuarantineWriter::create(self, step, digest.unwrap_or_default(), fields),
            |writer| writer.write(positions, places, &reasons, fault, row),
        )
    }

    /// Puts records that never became rows into the quarantine of a source.
    pub(crate) fn quarantine_records(
        &self,
        step: &str,
        digest: Option<String>,
        records: &[BadRecord],
    ) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        let positions = UInt64Array::from_iter_values(records.iter().map(|record| record.position));
        let places = StringArray::from_iter_values(records.iter().map(|record| &record.place));
        let raw = BinaryArray::from_iter_values(records.iter().map(|record| &record.raw));
        let row = StructArray::new(raw_fields(), vec![Arc::new(raw)], None);
        let reasons: Vec<[Reason; 1]> = records
            .iter()
            .map(|record| {
                [Reason {
                    rule: record.rule.clone(),
                    column: record.column.clone(),
                    message: record.message.clone(),
                }]
            })
            .collect();
        let reasons: Vec<&[Reason]> = reasons.iter().map(<[Reason; 1]>::as_slice).collect();
        self.with_quarantine(
            step,
            || QuarantineWriter::create(self, step, digest.unwrap_or_default(), &raw_fields()),
            |writer| writer.write(Arc::new(positions), Arc::new(places), &reasons, None, row),
        )
    }
}
