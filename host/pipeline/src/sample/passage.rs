//! Rows before a step and what came of them: fates, what was told, output rows, and which values are others than before.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::take;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use indexmap::IndexMap;
use wasmill_sandbox::contract::finding::Finding;

use crate::columns::{ColumnFate, ColumnUse};
use crate::exec::quarantine::Reason;
use crate::file::secrets::Redaction;
use crate::sample::choice::{Kind, choose};
use crate::sample::reading::Part;
use crate::sample::report::{PairedRows, RowFate, RowSample, RuleRows, Told, Values};
use crate::shadow::columns::{differing, shown};

/// A batch that went through a plugin.
pub(super) struct Passage {
    /// The step that the rows come from.
    input: String,
    pub(super) part: Part,
    fates: Vec<RowFate>,
    told: BTreeMap<usize, BTreeSet<Told>>,
    /// Rows that came of it, with the row that each comes of.
    pub(super) outputs: Vec<(RecordBatch, Vec<u32>)>,
    /// Of each row, the columns whose values are others than before, by their place among the columns of the step.
    changed: Vec<BTreeSet<usize>>,
}

impl Passage {
    /// Of rows that are left out where nothing else is said of them.
    pub(super) fn new(input: &str, part: &Part) -> Self {
        let rows = part.rows.batch.num_rows();
        Self {
            input: input.to_owned(),
            part: part.clone(),
            fates: vec![RowFate::LeftOut; rows],
            told: BTreeMap::new(),
            outputs: Vec::new(),
            changed: vec![BTreeSet::new(); rows],
        }
    }

    /// Takes in what was found in the rows from `start` on.
    pub(super) fn find(
        &mut self,
        start: usize,
        findings: &[Finding],
        is_warning: bool,
        secrets: &Redaction,
    ) {
        for finding in findings {
            let told = Told {
                rule: finding.rule.clone(),
                column: finding.column.clone(),
                message: secrets.apply(&finding.message),
                is_warning,
            };
            for row in finding.rows.iter().map(|row| start + *row as usize) {
                if !is_warning {
                    self.fates[row] = RowFate::Rejected;
                }
                self.told.entry(row).or_default().insert(told.clone());
            }
        }
    }

    pub(super) fn blame(&mut self, row: usize, reason: Reason) {
        let Reason { rule, column, message } = reason;
        self.fates[row] = RowFate::Fault;
        self.told.entry(row).or_default().insert(Told { rule, column, message, is_warning: false });
    }

    /// Whether a row is not among those that were rejected or made the plugin fail.
    pub(super) fn may_pass(&self, row: usize) -> bool {
        !matches!(self.fates[row], RowFate::Fault | RowFate::Rejected)
    }

    /// Takes in rows that came of it, and compares them with those that they come of.
    pub(super) fn came(
        &mut self,
        batch: RecordBatch,
        origins: Vec<u32>,
        columns: &[ColumnUse],
    ) -> Result<(), ArrowError> {
        let rows = UInt32Array::from(origins.clone());
        for (place, column) in columns.iter().enumerate() {
            let made = matches!(column.fate, ColumnFate::Rewritten | ColumnFate::Retyped);
            let (Some(before), Some(after), true) = (column.before, column.after, made) else {
                continue;
            };
            let old = take(self.part.rows.batch.column(before), &rows, None)?;
            let Some(mask) = changes(&old, batch.column(after))? else { continue };
            for row in mask.set_indices() {
                self.changed[origins[row] as usize].insert(place);
            }
        }
        for origin in &origins {
            let row = *origin as usize;
            self.fates[row] = match self.fates[row] {
                // It came more than once.
                RowFate::Same | RowFate::Changed => RowFate::Changed,
                _ if self.changed[row].is_empty() => RowFate::Same,
                _ => RowFate::Changed,
            };
        }
        self.outputs.push((batch, origins));
        Ok(())
    }

    /// Rows of one kind have the same fate for the same reasons.
    fn kind(&self, row: usize) -> Kind {
        let told = self.told.get(&row).into_iter().flatten();
        let rules = told.map(|told| (told.rule.clone(), told.column.clone()));
        (self.fates[row], rules.collect(), self.changed[row].clone())
    }

    fn row(
        &self,
        row: usize,
        columns: &[ColumnUse],
        secrets: &Redaction,
    ) -> Result<RowSample, ArrowError> {
        let mut after = Vec::new();
        for (batch, origins) in &self.outputs {
            for (output, _) in
                origins.iter().enumerate().filter(|(_, origin)| **origin as usize == row)
            {
                after.push(values(batch, output, secrets)?);
            }
        }
        let changed = self.changed[row].iter().map(|place| columns[*place].column.clone());
        Ok(RowSample {
            input: self.input.clone(),
            split: self.part.split.clone(),
            row: self.part.rows.position(row),
            fate: self.fates[row],
            reasons: self.told.get(&row).into_iter().flatten().cloned().collect(),
            before: values(&self.part.rows.batch, row, secrets)?,
            after,
            changed: changed.collect(),
        })
    }
}

/// In which rows two columns differ; none where they do not. Values of two types are the same when they are written alike.
fn changes(old: &ArrayRef, new: &ArrayRef) -> Result<Option<BooleanBuffer>, ArrowError> {
    if old.data_type() == new.data_type() {
        return differing(old, new, 0.0);
    }
    let options = FormatOptions::default();
    let (old_text, new_text) =
        (ArrayFormatter::try_new(old, &options)?, ArrayFormatter::try_new(new, &options)?);
    let mask = BooleanBuffer::collect_bool(old.len(), |row| {
        let is_same = match (old.is_null(row), new.is_null(row)) {
            (false, false) => {
                let texts =
                    (old_text.value(row).try_to_string(), new_text.value(row).try_to_string());
                matches!(texts, (Ok(old), Ok(new)) if old == new)
            }
            (old, new) => old && new,
        };
        !is_same
    });
    Ok(Some(mask))
}

/// The values of a row.
pub(super) fn values(
    batch: &RecordBatch,
    row: usize,
    secrets: &Redaction,
) -> Result<Values, ArrowError> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .map(|(field, column)| {
            let text = shown(column, row)?.map(|text| secrets.apply(&text));
            Ok((field.name().clone(), text))
        })
        .collect()
}

/// What is done with rows that do not pass.
pub(super) struct Policies {
    pub(super) on_rejected: &'static str,
    pub(super) on_fault: &'static str,
}

/// Puts together what there is to say of a step, and shows so many rows.
pub(super) fn paired(
    passages: &[Passage],
    detached: &[RecordBatch],
    columns: &[ColumnUse],
    policies: Policies,
    (most, as_they_come): (usize, bool),
    secrets: &Redaction,
) -> Result<PairedRows, ArrowError> {
    let mut fates: BTreeMap<RowFate, u64> = BTreeMap::new();
    let mut rules: BTreeMap<(String, Option<String>, bool), u64> = BTreeMap::new();
    let mut changed: BTreeMap<usize, u64> = BTreeMap::new();
    let (mut kinds, mut places) = (Vec::new(), Vec::new());
    for (number, passage) in passages.iter().enumerate() {
        for (row, fate) in passage.fates.iter().enumerate() {
            *fates.entry(*fate).or_default() += 1;
            kinds.push(passage.kind(row));
            places.push((number, row));
            for place in &passage.changed[row] {
                *changed.entry(*place).or_default() += 1;
            }
        }
        for told in passage.told.values() {
            let keys: BTreeSet<_> = told
                .iter()
                .map(|told| (told.rule.clone(), told.column.clone(), told.is_warning))
                .collect();
            for key in keys {
                *rules.entry(key).or_default() += 1;
            }
        }
    }
    let chosen = match as_they_come {
        true => (0..kinds.len().min(most)).collect(),
        false => choose(&kinds, most),
    };
    let shown = chosen.into_iter().map(|chosen| {
        let (passage, row) = places[chosen];
        passages[passage].row(row, columns, secrets)
    });
    let shown = shown.collect::<Result<Vec<_>, ArrowError>>()?;
    let mut rules: Vec<RuleRows> = rules
        .into_iter()
        .map(|((rule, column, is_warning), rows)| RuleRows { rule, column, is_warning, rows })
        .collect();
    rules.sort_by_key(|rule| std::cmp::Reverse(rule.rows));
    let detached_rows = |batch: &RecordBatch| batch.num_rows() as u64;
    let made_rows = detached.iter().map(detached_rows).sum();
    let outputs = passages.iter().flat_map(|passage| &passage.outputs);
    let rows_out = outputs.map(|(batch, _)| batch.num_rows() as u64).sum::<u64>() + made_rows;
    Ok(PairedRows {
        rows_in: kinds.len() as u64,
        rows_out,
        fates: fates.into_iter().collect(),
        rules,
        changed: changed
            .into_iter()
            .map(|(place, rows)| (columns[place].column.clone(), rows))
            .collect::<IndexMap<_, _>>(),
        on_rejected: policies.on_rejected,
        on_fault: policies.on_fault,
        shown,
        made_rows,
        made: first_rows(detached.iter(), most, secrets)?,
    })
}

/// The values of the first rows.
pub(super) fn first_rows<'a>(
    batches: impl Iterator<Item = &'a RecordBatch>,
    most: usize,
    secrets: &Redaction,
) -> Result<Vec<Values>, ArrowError> {
    let rows = batches.flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    rows.take(most).map(|(batch, row)| values(batch, row, secrets)).collect()
}
