//! What crosses the boundary and need not: found by calling plugins on some of the rows that they saw.
//!
//! A hint is a guess from few rows, and says so: a rule that no sampled row and no made-up value comes near looks as if
//! it did not exist.

use std::fmt;

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take;
use serde::Serialize;

use crate::bench::perturb::{named_values, variants};
use crate::bench::probe::{Outcome, Probe};
use crate::bench::samples::Samples;
use crate::checked::CheckedPipeline;

/// Fewer output rows say nothing of whether a column comes back as it was.
const MIN_ROWS: usize = 2;

/// Something that a plugin could do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hint {
    pub step: String,
    #[serde(flatten)]
    pub kind: HintKind,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum HintKind {
    /// A column that is read, and does not matter.
    UnusedColumn { column: String },
    /// A new column with the values of one that is read.
    UnchangedColumn { column: String, input: String },
}

impl fmt::Display for HintKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnusedColumn { column } => write!(
                formatter,
                "reads column `{column}`, but on the sampled rows its output does not depend on it: if that is so for all \
                 rows, do not read it, and it need not cross"
            ),
            Self::UnchangedColumn { column, input } => write!(
                formatter,
                "gives back column `{column}` with the values of `{input}`, on the sampled rows: where that is so, keep it \
                 (SDK: `set_unchanged`, or do not write it), and it need not cross back"
            ),
        }
    }
}

/// Looks at all steps. Rows on which a plugin faults are passed over.
pub(super) async fn find(pipeline: &CheckedPipeline, samples: &Samples) -> Vec<Hint> {
    let mut hints = Vec::new();
    for (name, step) in &pipeline.steps {
        let Some(probe) = Probe::of(step) else { continue };
        let mut sampled = Vec::new();
        for batch in samples.of(name) {
            if let Ok(outcome) = probe.call(&batch).await {
                sampled.push((batch, outcome));
            }
        }
        let named = named_values(probe.config());
        let mut kinds = Vec::new();
        for &column in probe.reads() {
            if is_unused(&probe, column, &named, &sampled).await {
                kinds.push(HintKind::UnusedColumn { column: column_name(&sampled, column) });
            }
        }
        kinds.extend(unchanged(&probe, &sampled));
        hints.extend(kinds.into_iter().map(|kind| Hint { step: name.clone(), kind }));
    }
    hints
}

type Sampled = [(RecordBatch, Outcome)];

fn column_name(sampled: &Sampled, column: usize) -> String {
    let first = sampled.first();
    first.map_or_else(String::new, |(batch, _)| batch.schema_ref().field(column).name().clone())
}

/// Whether other values were tried, and never made a difference. A fault is a difference.
async fn is_unused(probe: &Probe<'_>, column: usize, named: &[String], sampled: &Sampled) -> bool {
    let mut tried = false;
    for (batch, expected) in sampled {
        for variant in variants(batch, column, named) {
            tried = true;
            match probe.call(&variant).await {
                Ok(outcome) if outcome == *expected => {}
                _ => return false,
            }
        }
    }
    tried
}

/// The new columns that have the values of a column that is read, and crossed all the same.
fn unchanged(probe: &Probe<'_>, sampled: &Sampled) -> Vec<HintKind> {
    let Some((first, _)) = sampled.first() else { return Vec::new() };
    let mut hints = Vec::new();
    for (place, name) in probe.new_columns().into_iter().enumerate() {
        if sampled.iter().any(|(_, outcome)| outcome.kept.get(place) == Some(&true)) {
            continue;
        }
        let input_name = |position: usize| first.schema_ref().field(position).name();
        // A column of the same name first.
        let mut inputs = probe.reads().to_vec();
        inputs.sort_by_key(|position| input_name(*position) != name);
        let is_same = |position: &usize| {
            let is_namesake = input_name(*position) == name;
            comes_back(place, *position, is_namesake, sampled)
        };
        if let Some(input) = inputs.into_iter().find(is_same) {
            hints.push(HintKind::UnchangedColumn {
                column: name.to_owned(),
                input: input_name(input).clone(),
            });
        }
    }
    hints
}

/// Whether the new column at `place` has the values of an input column in all outputs. A column of another name, whose
/// values are all the same, may have them by chance.
fn comes_back(place: usize, input: usize, is_namesake: bool, sampled: &Sampled) -> bool {
    let mut rows = 0;
    let mut varies = false;
    for (batch, outcome) in sampled {
        for output in &outcome.outputs {
            let (Some(selected), values) = (&output.rows, &output.columns[place]) else {
                return false;
            };
            let selected = UInt32Array::from(selected.clone());
            let passed = take(batch.column(input), &selected, None);
            if !passed.is_ok_and(|passed| &passed == values) {
                return false;
            }
            rows += values.len();
            varies |= has_different_values(values);
        }
    }
    rows >= MIN_ROWS && (is_namesake || varies)
}

fn has_different_values(values: &ArrayRef) -> bool {
    (1..values.len()).any(|row| values.slice(row, 1) != values.slice(0, 1))
}
