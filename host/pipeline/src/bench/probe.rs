//! One call of a step's plugin, on an instance of its own, and what the plugin itself makes of a batch.
//!
//! The outcome leaves out what the host passes by: a kept column changes with the input and tells nothing of the plugin.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use serde_json::{Map, Value};
use wasmill_sandbox::contract::binding::{OutputColumn, Scope, TransformBinding};
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::contract::processed::Output;
use wasmill_sandbox::fault::Fault;

use crate::checked::{Step, TransformWork, ValidateWork, Work};

/// The seed of each probe: the same randomness, whatever the rows are.
const SEED: u64 = 0;

/// A step whose plugin can be called on made-up rows, as often as one likes.
pub(super) enum Probe<'a> {
    Transform(&'a TransformWork),
    Validate(&'a ValidateWork),
}

/// What a plugin makes of a batch.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) outputs: Vec<Made>,
    /// For each new column, whether the plugin handed it back as a kept one: it did not cross.
    pub(super) kept: Vec<bool>,
    /// Rows that a transformer found bad, or a validator rejects.
    rejected: Vec<Finding>,
    warned: Vec<Finding>,
    partial: Vec<u8>,
}

/// Some output rows.
#[derive(Debug, PartialEq)]
pub(super) struct Made {
    /// The input row of each output row; none where output rows belong to no input row.
    pub(super) rows: Option<Vec<u32>>,
    /// The new columns.
    pub(super) columns: Vec<ArrayRef>,
}

impl<'a> Probe<'a> {
    /// None of a step that is no plugin, whose plugin needs more than one batch to be judged by, or can reach somebody:
    /// made-up rows are nobody else's business.
    pub(super) fn of(step: &'a Step) -> Option<Self> {
        match &step.work {
            Work::Transform(work) if work.binding.scope == Scope::Rows && !work.is_connected => {
                Some(Self::Transform(work))
            }
            Work::Validate(work) if !work.is_connected => Some(Self::Validate(work)),
            Work::Source(_) | Work::Sql(_) | Work::Transform(_) | Work::Validate(_) => None,
        }
    }

    /// The positions of the columns that the plugin reads.
    pub(super) fn reads(&self) -> &[usize] {
        match self {
            Self::Transform(work) => &work.binding.reading.positions,
            Self::Validate(work) => &work.binding.reading.positions,
        }
    }

    /// The plugin's configuration.
    pub(super) fn config(&self) -> &Map<String, Value> {
        match self {
            Self::Transform(work) => &work.config,
            Self::Validate(work) => &work.config,
        }
    }

    /// The names of the columns that the plugin makes.
    pub(super) fn new_columns(&self) -> Vec<&str> {
        match self {
            Self::Transform(work) => {
                work.binding.new_fields.iter().map(|field| field.name().as_str()).collect()
            }
            Self::Validate(_) => Vec::new(),
        }
    }

    /// Calls a fresh instance.
    pub(super) async fn call(&self, batch: &RecordBatch) -> Result<Outcome, Fault> {
        match self {
            Self::Transform(work) => {
                let mut open = work.transformer.open(Arc::clone(&work.binding), SEED).await?;
                let processed = open.process(batch, 0).await?;
                let kept = open.kept_by_last_call().to_vec();
                let finished = open.finish().await?;
                let outputs = processed.outputs.iter().chain(&finished.outputs);
                Ok(Outcome {
                    outputs: outputs.map(|output| made(&work.binding, output)).collect(),
                    kept,
                    rejected: processed.bad_rows,
                    warned: Vec::new(),
                    partial: Vec::new(),
                })
            }
            Self::Validate(work) => {
                let mut open = work.validator.open(Arc::clone(&work.binding), SEED).await?;
                let verdict = open.check(batch, 0).await?;
                Ok(Outcome {
                    outputs: Vec::new(),
                    kept: Vec::new(),
                    rejected: verdict.rejected,
                    warned: verdict.warned,
                    partial: verdict.partial,
                })
            }
        }
    }
}

fn made(binding: &TransformBinding, output: &Output) -> Made {
    let mut rows = Vec::with_capacity(output.rows.len());
    // A batch that crossed has at most 2^32 rows.
    output.rows.for_each_input_row(|row| rows.push(u32::try_from(row).unwrap_or(u32::MAX)));
    let columns = binding.output.iter().zip(output.batch.columns());
    let columns = columns.filter(|(column, _)| matches!(column, OutputColumn::New(_)));
    Made {
        rows: (!output.rows.is_detached()).then_some(rows),
        columns: columns.map(|(_, values)| Arc::clone(values)).collect(),
    }
}
