//! What became of a batch that a transformer processed: checked, with the selection applied.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBufferBuilder, RecordBatch, RecordBatchOptions};
use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;

use crate::binding::{OutputColumn, TransformBinding};
use crate::bindings::transform as wit;
use crate::copying::{CopyBreach, CopyBudget};
use crate::finding::{Finding, FindingBreach};
use crate::ipc::{self, IpcBreach};
use crate::json::{self, JsonBreach};
use crate::lift::{ColumnBreach, check_column, lift_column};
use crate::selection::{RowSelection, SelectionBreach};

/// How many outputs one call may return. Even one without rows costs the host a batch with all its columns.
pub const MAX_OUTPUTS: usize = 1_000;

/// Output of a transformer that breaks the contract.
#[derive(Debug, thiserror::Error)]
pub enum OutputBreach {
    #[error(transparent)]
    Selection(#[from] SelectionBreach),
    #[error(transparent)]
    Copy(#[from] CopyBreach),
    #[error(transparent)]
    Column(#[from] ColumnBreach),
    #[error(transparent)]
    Ipc(#[from] IpcBreach),
    #[error(transparent)]
    Json(#[from] JsonBreach),
    #[error(transparent)]
    Finding(#[from] FindingBreach),
    #[error("{0} outputs of one call: the limit is {MAX_OUTPUTS}")]
    TooManyOutputs(usize),
    #[error("{actual} new columns where {expected} were declared")]
    ColumnCount { expected: usize, actual: usize },
    #[error("the values are encoded otherwise than the plugin was bound: {0:?} was announced")]
    Encoding(crate::binding::Encoding),
    #[error("column `{column}` keeps input column {position}; there are {columns}")]
    NoSuchInput { column: String, position: u32, columns: usize },
    #[error("column `{column}` keeps an input column of another type than was declared")]
    KeptType { column: String },
    #[error(
        "rows without an input row were returned, but column `{column}` is kept from the input"
    )]
    DetachedKeep { column: String },
    #[error("{rows} output rows for {input} input rows: the limit is {limit}")]
    TooManyRows { rows: usize, input: usize, limit: usize },
    #[error("`finish` returned rows of an input that is gone")]
    AttachedFinish,
    #[error("cannot assemble the output")]
    Assemble(#[from] ArrowError),
}

/// How much one call may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputLimits {
    pub rows: usize,
    /// What the rows of the input may grow by when they are selected more than once.
    pub copied_bytes: u64,
}

/// Some output rows and where they come from.
#[derive(Debug)]
pub struct Output {
    /// Columns as in [`TransformBinding::output_schema`].
    pub batch: RecordBatch,
    /// The input rows they come from; to be applied to whatever else belongs to the input rows.
    pub rows: RowSelection,
}

/// How many input rows took which way. `selected + bad + dropped` is the number of input rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Input rows that at least one output row comes from.
    pub selected: usize,
    /// Input rows reported bad.
    pub bad: usize,
    /// Input rows that are neither.
    pub dropped: usize,
    /// Output rows beyond one per selected input row: repeated and detached ones.
    pub added: usize,
}

/// What became of one batch.
#[derive(Debug)]
pub struct Processed {
    pub outputs: Vec<Output>,
    pub bad_rows: Vec<Finding>,
    pub tally: Tally,
}

impl Processed {
    /// Checks what `process` returned for `input`.
    pub fn new(
        binding: &TransformBinding,
        input: &RecordBatch,
        processed: wit::Processed,
        limits: OutputLimits,
    ) -> Result<Self, OutputBreach> {
        let rows = input.num_rows();
        check_count(&processed.outputs)?;
        let bad_rows = Finding::all(processed.bad_rows, rows)?;
        let mut selections = Vec::with_capacity(processed.outputs.len());
        let mut values = Vec::with_capacity(processed.outputs.len());
        for output in processed.outputs {
            selections.push(RowSelection::new(output.rows, rows)?);
            values.push(output.values);
        }
        let output_rows = selections.iter().map(RowSelection::len).fold(0, usize::saturating_add);
        if output_rows > limits.rows {
            return Err(OutputBreach::TooManyRows {
                rows: output_rows,
                input: rows,
                limit: limits.rows,
            });
        }
        let tally = tally(rows, &selections, &bad_rows, output_rows)?;
        let mut copies = CopyBudget::new(input, &selections, limits.copied_bytes);
        let outputs = values
            .into_iter()
            .zip(selections)
            .map(|(values, selection)| {
                assemble(binding, Some((input, &mut copies)), values, selection)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { outputs, bad_rows, tally })
    }

    /// Checks what `finish` returned. At most `row_limit` output rows are taken; none of them is copied.
    pub fn from_finish(
        binding: &TransformBinding,
        outputs: Vec<wit::Output>,
        row_limit: usize,
    ) -> Result<Self, OutputBreach> {
        check_count(&outputs)?;
        let mut rows = 0;
        let mut checked = Vec::with_capacity(outputs.len());
        for output in outputs {
            let wit::Selection::Detached(count) = output.rows else {
                return Err(OutputBreach::AttachedFinish);
            };
            rows += count as usize;
            if rows > row_limit {
                return Err(OutputBreach::TooManyRows { rows, input: 0, limit: row_limit });
            }
            let selection = RowSelection::Detached { rows: count as usize };
            checked.push(assemble(binding, None, output.values, selection)?);
        }
        Ok(Self {
            outputs: checked,
            bad_rows: Vec::new(),
            tally: Tally { added: rows, ..Tally::default() },
        })
    }
}

fn check_count(outputs: &[wit::Output]) -> Result<(), OutputBreach> {
    match outputs.len() {
        0..=MAX_OUTPUTS => Ok(()),
        count => Err(OutputBreach::TooManyOutputs(count)),
    }
}

/// Counts the ways the rows took, and refuses rows that took two.
fn tally(
    rows: usize,
    selections: &[RowSelection],
    bad_rows: &[Finding],
    output_rows: usize,
) -> Result<Tally, FindingBreach> {
    // Mostly it is simple, and need not be counted row by row.
    if let ([selection @ (RowSelection::All { .. } | RowSelection::Filter(..))], []) =
        (selections, bad_rows)
    {
        let selected = selection.len();
        return Ok(Tally { selected, dropped: rows - selected, ..Tally::default() });
    }
    let mut selected_rows = BooleanBufferBuilder::new(rows);
    selected_rows.append_n(rows, false);
    for selection in selections {
        selection.for_each_input_row(|row| selected_rows.set_bit(row, true));
    }
    let selected = selected_rows.finish_cloned().count_set_bits();
    let mut bad_set = BooleanBufferBuilder::new(rows);
    bad_set.append_n(rows, false);
    for &row in bad_rows.iter().flat_map(|finding| &finding.rows) {
        if selected_rows.get_bit(row as usize) {
            return Err(FindingBreach::SelectedToo { row });
        }
        bad_set.set_bit(row as usize, true);
    }
    let bad = bad_set.finish().count_set_bits();
    Ok(Tally { selected, bad, dropped: rows - selected - bad, added: output_rows - selected })
}

/// `input` is the batch, and what may be copied of it; none where there is no batch.
fn assemble(
    binding: &TransformBinding,
    mut input: Option<(&RecordBatch, &mut CopyBudget)>,
    values: wit::NewValues,
    selection: RowSelection,
) -> Result<Output, OutputBreach> {
    if selection.is_detached()
        && let Some(column) = binding.first_kept()
    {
        return Err(OutputBreach::DetachedKeep { column: column.to_owned() });
    }
    let mut new_columns = new_columns(binding, input.as_mut(), values, &selection)?.into_iter();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(binding.output.len());
    for column in &binding.output {
        columns.push(match (column, &mut input) {
            (OutputColumn::New(_), _) => {
                new_columns.next().expect("one array per declared column was just made")
            }
            (OutputColumn::Keep(position), Some((input, copies))) => {
                copies.apply(&selection, input.column(*position))?
            }
            (OutputColumn::Keep(_), None) => {
                unreachable!(
                    "outputs without an input are detached, and detached outputs keep nothing"
                )
            }
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(selection.len()));
    let batch =
        RecordBatch::try_new_with_options(Arc::clone(&binding.output_schema), columns, &options)?;
    Ok(Output { batch, rows: selection })
}

/// One array of `selection.len()` values per declared column.
fn new_columns(
    binding: &TransformBinding,
    mut input: Option<&mut (&RecordBatch, &mut CopyBudget)>,
    values: wit::NewValues,
    selection: &RowSelection,
) -> Result<Vec<ArrayRef>, OutputBreach> {
    let fields = &binding.new_fields;
    match (values, binding.reading.encoding) {
        (wit::NewValues::Columns(columns), crate::binding::Encoding::Columns) => {
            if columns.len() != fields.len() {
                return Err(OutputBreach::ColumnCount {
                    expected: fields.len(),
                    actual: columns.len(),
                });
            }
            fields
                .iter()
                .zip(columns)
                .map(|(field, column)| new_column(field, column, input.as_deref_mut(), selection))
                .collect()
        }
        (wit::NewValues::Ipc(bytes), crate::binding::Encoding::Ipc) => {
            Ok(ipc::decode(&bytes, fields, selection.len())?)
        }
        (wit::NewValues::Json(text), crate::binding::Encoding::Json) => {
            Ok(json::decode(&text, fields, selection.len())?)
        }
        (_, announced) => Err(OutputBreach::Encoding(announced)),
    }
}

fn new_column(
    field: &FieldRef,
    column: wit::NewColumn,
    input: Option<&mut (&RecordBatch, &mut CopyBudget)>,
    selection: &RowSelection,
) -> Result<ArrayRef, OutputBreach> {
    match (column, input) {
        (wit::NewColumn::PerOutputRow(nodes), _) => Ok(lift_column(field, nodes, selection.len())?),
        (wit::NewColumn::PerInputRow(nodes), Some((input, copies))) if !selection.is_detached() => {
            let column = lift_column(field, nodes, input.num_rows())?;
            Ok(copies.apply(selection, &column)?)
        }
        (wit::NewColumn::Keep(position), Some((input, copies))) if !selection.is_detached() => {
            let Some(column) = input.columns().get(position as usize) else {
                return Err(OutputBreach::NoSuchInput {
                    column: field.name().clone(),
                    position,
                    columns: input.num_columns(),
                });
            };
            if column.data_type() != field.data_type() {
                return Err(OutputBreach::KeptType { column: field.name().clone() });
            }
            let kept = copies.apply(selection, column)?;
            check_column(field, &kept)?;
            Ok(kept)
        }
        (wit::NewColumn::PerInputRow(_) | wit::NewColumn::Keep(_), _) => {
            Err(OutputBreach::DetachedKeep { column: field.name().clone() })
        }
    }
}
