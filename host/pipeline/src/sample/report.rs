//! What a sample shows: plain data, the same as JSON.

use indexmap::IndexMap;
use serde::Serialize;

use crate::columns::ColumnUse;
use crate::run::summary::RunProblem;

/// Rows before and after the steps of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleReport {
    pub pipeline: String,
    /// The sources that were read, in the order of the pipeline.
    pub sources: Vec<SourceSample>,
    /// The steps that were asked for, each after those that it reads.
    pub steps: Vec<StepSample>,
}

impl SampleReport {
    /// Why the first step that failed did, of those that are shown and those before them.
    pub fn problem(&self) -> Option<&RunProblem> {
        let sources = self.sources.iter().filter_map(|source| source.problem.as_ref());
        let steps = self.steps.iter().filter_map(|step| match &step.outcome {
            Outcome::Failed { problem } => Some(problem),
            _ => None,
        });
        sources.chain(steps).next()
    }
}

/// What was read of a source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceSample {
    pub source: String,
    pub rows: u64,
    /// Whether the source has no more rows.
    pub is_whole: bool,
    /// How many records were none that can be made into rows.
    pub refused_records: u64,
    /// The first of them.
    pub refused: Vec<RefusedRecord>,
    /// What becomes of such records: `quarantine`, `drop` or `fail`.
    pub on_bad_row: &'static str,
    pub problem: Option<RunProblem>,
}

/// A record that is no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRecord {
    /// Where a person would look for it.
    pub place: String,
    pub rule: String,
    pub column: Option<String>,
    pub message: String,
    /// As it was found.
    pub record: String,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepSample {
    pub step: String,
    /// `transform`, `sql` or `validator`.
    pub kind: &'static str,
    pub inputs: Vec<String>,
    pub columns: Vec<ColumnUse>,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of the rows that a step was given.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Each row before it beside the rows that came of it.
    Paired(Box<PairedRows>),
    /// A query: which rows a result row comes of is not known.
    Apart { input_rows: Vec<TableSample>, output_rows: TableSample },
    /// It failed as a whole, as it would in a run.
    Failed { problem: RunProblem },
    /// A step before it failed.
    NotReached { step: String },
}

/// The values of a row by column, as a person reads them; none for null.
pub type Values = IndexMap<String, Option<String>>;

/// The first rows of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableSample {
    /// The step whose rows they are.
    pub step: String,
    /// How many there were.
    pub rows: u64,
    pub shown: Vec<Values>,
}

/// What a plugin made of rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairedRows {
    pub rows_in: u64,
    pub rows_out: u64,
    /// How many input rows came to what; they are all input rows together.
    pub fates: IndexMap<RowFate, u64>,
    /// What was told of rows, with how many rows it was told of; the most frequent first.
    pub rules: Vec<RuleRows>,
    /// In how many rows the values of a column are others than before, of columns that are there before and after.
    pub changed: IndexMap<String, u64>,
    /// What becomes of rows that are rejected: `quarantine`, `drop`, `fail` or `warn`.
    pub on_rejected: &'static str,
    /// What becomes of rows that make the plugin fail: `quarantine`, `drop` or `fail`.
    pub on_fault: &'static str,
    /// Some of the rows, in their order.
    pub shown: Vec<RowSample>,
    /// How many rows came that belong to no row before.
    pub made_rows: u64,
    /// The first of them.
    pub made: Vec<Values>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowFate {
    /// The plugin fails on it.
    Fault,
    Rejected,
    /// It is left out, and nothing is said of it.
    LeftOut,
    /// It passed, with other values in columns that were there before, or as another number of rows.
    Changed,
    /// It passed with the values that it had.
    Same,
}

impl RowFate {
    /// As it is called in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Rejected => "rejected",
            Self::LeftOut => "left-out",
            Self::Changed => "changed",
            Self::Same => "same",
        }
    }
}

/// A rule, and of how many rows it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRows {
    pub rule: String,
    pub column: Option<String>,
    /// Whether the row passes all the same.
    pub is_warning: bool,
    pub rows: u64,
}

/// A row before a step, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowSample {
    /// The step that it comes from.
    pub input: String,
    pub split: String,
    /// Its position in the split, where it has one.
    pub row: Option<u64>,
    pub fate: RowFate,
    pub reasons: Vec<Told>,
    pub before: Values,
    pub after: Vec<Values>,
    /// The columns, by their names after the step, whose values are others than before.
    pub changed: Vec<String>,
}

/// What was told of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Told {
    pub rule: String,
    pub column: Option<String>,
    pub message: String,
    /// Whether the row passes all the same.
    pub is_warning: bool,
}
