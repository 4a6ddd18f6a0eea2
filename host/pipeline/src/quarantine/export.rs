//! Taking rows of the quarantine elsewhere: a file for each step, with the rows as they were, and where they come from.
//!
//! Only rows that are left are taken: those that were put through are in the sinks. Nothing is marked, and no file is written over.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use serde::Serialize;
use tempfile::NamedTempFile;
use wasmill_connect::error::ConnectError;
use wasmill_connect::sink::StageWriter;
use wasmill_connect::sink::file::{FileFormat, create};
use wasmill_connect::sink::ipc::IpcStageWriter;
use wasmill_ledger::Ledger;

use crate::exec::quarantine::raw_fields;
use crate::quarantine::file::{HeldBatch, HeldFile, foreign};
use crate::quarantine::held::{HeldError, HeldRows, HeldRun, RowFilter, RowState};

/// In what format rows are written. Records that never became rows are written as they are, one a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    Jsonl,
    Csv,
    Parquet,
    Arrow,
}

impl ExportFormat {
    fn extension(self) -> &'static str {
        match self.of_files() {
            Some(format) => format.extension(),
            None => "arrow",
        }
    }

    fn of_files(self) -> Option<FileFormat> {
        match self {
            Self::Jsonl => Some(FileFormat::Jsonl),
            Self::Csv => Some(FileFormat::Csv { delimiter: b',' }),
            Self::Parquet => Some(FileFormat::Parquet),
            Self::Arrow => None,
        }
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    pub step: String,
    pub file: PathBuf,
    pub rows: u64,
}

/// Writes the rows of some runs that are left to files in a folder.
///
/// # Errors
///
/// When the quarantine cannot be read, and when a file is there already, cannot be written, or cannot hold the rows. Of files that
/// are not finished then nothing stays.
pub async fn export(
    ledger: &Ledger,
    runs: &[String],
    filter: &RowFilter,
    folder: &Path,
    format: ExportFormat,
) -> Result<Vec<Exported>, HeldError> {
    std::fs::create_dir_all(folder).map_err(|source| ConnectError::Io {
        action: "cannot create",
        path: folder.to_owned(),
        source,
    })?;
    let mut export = Export { folder, format, outputs: Vec::new() };
    for run in runs {
        let held = HeldRun::read(ledger, run).await?;
        for file in held.files.iter().filter(|file| filter.of_step(&file.step)) {
            export.add(&held, file, filter)?;
        }
    }
    let finished = export.outputs.into_iter().map(Output::finish);
    finished.collect::<Result<_, _>>().map_err(HeldError::File)
}

struct Export<'a> {
    folder: &'a Path,
    format: ExportFormat,
    outputs: Vec<Output>,
}

/// A file that is being written.
struct Output {
    step: String,
    path: PathBuf,
    rows: u64,
    kind: OutputKind,
}

enum OutputKind {
    Rows { schema: SchemaRef, writer: Box<dyn StageWriter> },
    Records(NamedTempFile),
}

impl Export<'_> {
    fn add(
        &mut self,
        held: &HeldRun,
        file: &HeldRows,
        filter: &RowFilter,
    ) -> Result<(), ConnectError> {
        let meant: Vec<u64> = held
            .rows(filter)
            .filter(|(of, row)| of.file == file.file && row.state == RowState::Left)
            .filter_map(|(_, row)| u64::try_from(row.index).ok())
            .collect();
        if meant.is_empty() {
            return Ok(());
        }
        let path = file.path();
        let arrow = |source| ConnectError::Arrow { path: path.clone(), source };
        for batch in HeldFile::open(&path)? {
            let batch = batch?;
            let is_meant = |index: &u64| Some(meant.binary_search(index).is_ok());
            let mask: BooleanArray = batch.indices.values().iter().map(is_meant).collect();
            if mask.true_count() == 0 {
                continue;
            }
            let rows = batch.rows().ok_or_else(|| foreign(&path))?;
            if rows.fields() == &raw_fields() {
                let raw = rows.column(0).as_binary::<i32>();
                let raw = raw.iter().zip(mask.values().iter());
                let raw = raw.filter(|(_, is_meant)| *is_meant);
                self.records(&file.step, raw.map(|(raw, _)| raw.unwrap_or_default()))?;
            } else {
                let whole = whole(&held.run, &batch).ok_or_else(|| foreign(&path))?;
                let whole = filter_record_batch(&whole.map_err(arrow)?, &mask).map_err(arrow)?;
                self.rows(&file.step, &whole)?;
            }
        }
        Ok(())
    }

    fn rows(&mut self, step: &str, batch: &RecordBatch) -> Result<(), ConnectError> {
        let schema = batch.schema();
        let fits = |output: &&mut Output| {
            let is_same =
                matches!(&output.kind, OutputKind::Rows { schema: other, .. } if *other == schema);
            output.step == step && is_same
        };
        if self.outputs.iter_mut().find(fits).is_none() {
            // The columns of a step change with what is before it.
            let same = |output: &&Output| {
                output.step == step && matches!(output.kind, OutputKind::Rows { .. })
            };
            let name = match self.outputs.iter().filter(same).count() {
                0 => format!("{step}.{}", self.format.extension()),
                before => format!("{step}-{}.{}", before + 1, self.format.extension()),
            };
            let path = self.folder.join(name);
            let (stem, columns) = (step.to_owned(), Arc::clone(&schema));
            let writer = match self.format.of_files() {
                Some(format) => {
                    format.check(&schema)?;
                    create(path.clone(), stem, format, columns)?
                }
                None => Box::new(IpcStageWriter::create(path.clone(), stem, &columns)?),
            };
            let kind = OutputKind::Rows { schema: Arc::clone(&schema), writer };
            self.outputs.push(Output { step: step.to_owned(), path, rows: 0, kind });
        }
        let Some(output) = self.outputs.iter_mut().find(fits) else { return Ok(()) };
        output.rows += batch.num_rows() as u64;
        if let OutputKind::Rows { writer, .. } = &mut output.kind {
            writer.write(batch)?;
        }
        Ok(())
    }

    fn records<'b>(
        &mut self,
        step: &str,
        records: impl Iterator<Item = &'b [u8]>,
    ) -> Result<(), ConnectError> {
        let path = self.folder.join(format!("{step}.raw"));
        let io = |source| ConnectError::Io { action: "cannot write", path: path.clone(), source };
        let place = self.outputs.iter().position(|output| output.path == path);
        let place = match place {
            Some(place) => place,
            None => {
                let file = NamedTempFile::new_in(self.folder).map_err(io)?;
                let (step, path) = (step.to_owned(), path.clone());
                self.outputs.push(Output { step, path, rows: 0, kind: OutputKind::Records(file) });
                self.outputs.len() - 1
            }
        };
        let output = &mut self.outputs[place];
        let OutputKind::Records(file) = &mut output.kind else { return Ok(()) };
        for record in records {
            file.write_all(record).and_then(|()| file.write_all(b"\n")).map_err(io)?;
            output.rows += 1;
        }
        Ok(())
    }
}

impl Output {
    fn finish(self) -> Result<Exported, ConnectError> {
        let Self { step, path, rows, kind } = self;
        match kind {
            OutputKind::Rows { writer, .. } => drop(writer.finish()?),
            OutputKind::Records(file) => {
                let io = |source| ConnectError::Io {
                    action: "cannot write",
                    path: path.clone(),
                    source,
                };
                file.as_file().sync_all().map_err(io)?;
                let file: File = file.persist_noclobber(&path).map_err(|error| io(error.error))?;
                drop(file);
            }
        }
        Ok(Exported { step, file: path, rows })
    }
}

/// The rows of a batch with columns that say where they come from. None where the file is no quarantine file.
fn whole(run: &str, held: &HeldBatch) -> Option<Result<RecordBatch, arrow::error::ArrowError>> {
    let rows = held.rows()?;
    let count = rows.len();
    let rules = held.reasons()?.into_iter().map(|reasons| {
        let mut rules: Vec<String> = reasons.into_iter().map(|(rule, _)| rule).collect();
        rules.dedup();
        rules.join(",")
    });
    let added: [(&str, ArrayRef); 4] = [
        ("_run", Arc::new(StringArray::from(vec![run; count]))),
        ("_split", Arc::clone(held.column("split")?)),
        ("_position", Arc::clone(held.column("position")?)),
        ("_rules", Arc::new(StringArray::from_iter_values(rules))),
    ];
    let mut fields: Vec<FieldRef> = rows.fields().iter().cloned().collect();
    let mut columns = rows.columns().to_vec();
    for (name, column) in added {
        // Rows that were taken out before, and came back, have such columns already.
        let mut name = name.to_owned();
        while fields.iter().any(|field| *field.name() == name) {
            name.insert(0, '_');
        }
        let is_nullable = *column.data_type() == DataType::UInt64;
        fields.push(Arc::new(Field::new(name, column.data_type().clone(), is_nullable)));
        columns.push(column);
    }
    Some(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns))
}
