//! What two versions made of one batch, compared row by row.
//!
//! Both may have been called on different parts of the batch, so that their pieces do not match. What counts is what became of
//! each input row: its fate, the rules that were told of it, and its output rows, the first of one version beside the first of
//! the other. In which order output rows of different input rows come is not compared.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::contract::processed::Processed;
use wasmill_sandbox::contract::verdict::Verdict;
use wasmill_sandbox::fault::Fault;

use crate::exec::rows::Numbered;
use crate::exec::search::Piece;
use crate::shadow::Comparing;
use crate::shadow::columns::{Columns, differing, shown};
use crate::shadow::tally::{Example, Fate, RuleKey, Severity, Tally};

/// Where rows are, and how they are compared.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) comparing: &'a Comparing,
    pub(super) split: &'a str,
}

impl Comparison<'_> {
    pub(super) fn example(
        &self,
        row: Option<u64>,
        old: Option<String>,
        new: Option<String>,
    ) -> Example {
        Example { split: self.split.to_owned(), row, old, new }
    }
}

/// What a version made of the rows of a batch.
pub(super) struct Judged {
    fates: Vec<Fate>,
    /// What was told, each once, however many rows it is told of.
    findings: Vec<(RuleKey, String)>,
    /// The places of what was told of rows.
    told: BTreeMap<u32, Vec<u32>>,
    /// Why rows are at fault; of all rows where the version failed as a whole.
    faults: BTreeMap<u32, String>,
    has_failed: bool,
}

impl Judged {
    fn new(rows: usize, fate: Fate) -> Self {
        Self {
            fates: vec![fate; rows],
            findings: Vec::new(),
            told: BTreeMap::new(),
            faults: BTreeMap::new(),
            has_failed: false,
        }
    }

    /// Of a version that failed on the batch as a whole.
    pub(super) fn failed(rows: usize, fault: &Fault) -> Self {
        let mut judged = Self::new(rows, Fate::Fault(fault.kind()));
        judged.faults.insert(0, fault.explained());
        judged.has_failed = true;
        judged
    }

    /// Of a transformer.
    pub(super) fn transformed(rows: usize, pieces: &[Piece<Processed>]) -> Self {
        let mut judged = Self::new(rows, Fate::Dropped);
        for (range, result) in pieces {
            match result {
                Ok(processed) => {
                    for output in &processed.outputs {
                        output.rows.for_each_input_row(|row| {
                            judged.fates[range.start + row] = Fate::Passed;
                        });
                    }
                    judged.find(range.start, Severity::Reject, &processed.bad_rows);
                }
                Err(blame) => judged.blame(range.start, &blame.fault),
            }
        }
        judged
    }

    /// Of a validator.
    pub(super) fn validated(rows: usize, pieces: &[Piece<Verdict>]) -> Self {
        let mut judged = Self::new(rows, Fate::Passed);
        for (range, result) in pieces {
            match result {
                Ok(verdict) => {
                    judged.find(range.start, Severity::Reject, &verdict.rejected);
                    judged.find(range.start, Severity::Warn, &verdict.warned);
                }
                Err(blame) => judged.blame(range.start, &blame.fault),
            }
        }
        judged
    }

    fn find(&mut self, start: usize, severity: Severity, findings: &[Finding]) {
        for finding in findings {
            let (rule, column) = (finding.rule.clone(), finding.column.clone());
            let number = self.findings.len() as u32;
            self.findings.push((RuleKey { severity, rule, column }, finding.message.clone()));
            for &row in &finding.rows {
                if severity == Severity::Reject {
                    self.fates[start + row as usize] = Fate::Rejected;
                }
                self.told.entry(start as u32 + row).or_default().push(number);
            }
        }
    }

    /// What was told of a row, once for each rule.
    fn told(&self, row: u32) -> BTreeMap<&RuleKey, &str> {
        let findings = self.told.get(&row).into_iter().flatten();
        let told = findings.map(|&number| {
            let (rule, message) = &self.findings[number as usize];
            (rule, message.as_str())
        });
        told.collect()
    }

    fn blame(&mut self, row: usize, fault: &Fault) {
        self.fates[row] = Fate::Fault(fault.kind());
        self.faults.insert(row as u32, fault.explained());
    }

    /// Why a row did not pass, as far as something was said of it.
    fn reason(&self, row: u32) -> Option<String> {
        match self.fates[row as usize] {
            Fate::Passed | Fate::Dropped => None,
            Fate::Fault(_) => self.faults.range(..=row).next_back().map(|(_, why)| why.clone()),
            Fate::Rejected => {
                let said = self.told(row).into_iter();
                let said = said.filter(|(key, _)| key.severity == Severity::Reject);
                Some(said.map(|(key, why)| as_said(key, why)).collect::<Vec<_>>().join("; "))
            }
        }
    }
}

fn as_said(key: &RuleKey, message: &str) -> String {
    match &key.column {
        Some(column) => format!("{} of {column}: {message}", key.rule),
        None => format!("{}: {message}", key.rule),
    }
}

/// Compares fates and rules. `differs` says which rows are known to differ, and is told of more.
pub(super) fn compare_fates(
    comparison: Comparison<'_>,
    batch: &Numbered,
    old: &Judged,
    new: &Judged,
    differs: &mut [bool],
    tally: &mut Tally,
) {
    let limit = comparison.comparing.examples;
    let example = |row: u32, old, new| comparison.example(batch.position(row as usize), old, new);
    // All rows have one reason then.
    let fate_limit = if new.has_failed { limit.min(1) } else { limit };
    for (row, (before, after)) in old.fates.iter().zip(&new.fates).enumerate() {
        if before != after {
            differs[row] = true;
            let row = row as u32;
            let found = tally.fate(*before, *after);
            found.add(fate_limit, || example(row, old.reason(row), new.reason(row)));
        }
    }
    let rows: BTreeSet<u32> = old.told.keys().chain(new.told.keys()).copied().collect();
    for row in rows {
        let (by_old, by_new) = (old.told(row), new.told(row));
        let keys: BTreeSet<&RuleKey> = by_old.keys().chain(by_new.keys()).copied().collect();
        for key in keys {
            let (before, after) = (by_old.get(key).copied(), by_new.get(key).copied());
            let rows = tally.rule(key);
            rows.old += u64::from(before.is_some());
            rows.new += u64::from(after.is_some());
            if before.is_some() != after.is_some() {
                differs[row as usize] = true;
                rows.differing.add(limit, || {
                    example(row, before.map(str::to_owned), after.map(str::to_owned))
                });
            }
        }
    }
}

/// The output rows that a version gave for a batch, of the columns that can be compared.
pub(super) struct Outputs {
    /// Rows that come from an input row, with which one each does, ascending.
    batch: RecordBatch,
    origins: Vec<u32>,
    /// Rows that come from none.
    pub(super) detached: Vec<RecordBatch>,
}

impl Outputs {
    /// `columns` takes those columns of a batch that can be compared.
    pub(super) fn new(
        pieces: &[Piece<Processed>],
        columns: impl Fn(&RecordBatch) -> Result<RecordBatch, ArrowError>,
        schema: &Schema,
    ) -> Result<Self, ArrowError> {
        let (mut batches, mut origins, mut detached) = (Vec::new(), Vec::new(), Vec::new());
        for (range, result) in pieces {
            for output in result.iter().flat_map(|processed| &processed.outputs) {
                let batch = columns(&output.batch)?;
                if output.rows.is_detached() {
                    detached.push(batch);
                    continue;
                }
                output.rows.for_each_input_row(|row| origins.push((range.start + row) as u32));
                batches.push(batch);
            }
        }
        let mut batch = match &batches[..] {
            [] => columns(&RecordBatch::new_empty(schema.clone().into()))?,
            [batch] => batch.clone(),
            [first, ..] => concat_batches(first.schema_ref(), &batches)?,
        };
        if !origins.is_sorted() {
            let mut order: Vec<u32> = (0..origins.len() as u32).collect();
            order.sort_by_key(|&row| origins[row as usize]);
            origins = order.iter().map(|&row| origins[row as usize]).collect();
            batch = arrow::compute::take_record_batch(&batch, &UInt32Array::from(order))?;
        }
        Ok(Self { batch, origins, detached })
    }

    pub(super) fn rows(&self) -> u64 {
        self.batch.num_rows() as u64
    }
}

/// Compares the output rows of input rows.
pub(super) fn compare_outputs(
    comparison: Comparison<'_>,
    columns: &Columns,
    batch: &Numbered,
    (old, new): (&Outputs, &Outputs),
    (old_judged, new_judged): (&Judged, &Judged),
    differs: &mut [bool],
    tally: &mut Tally,
) -> Result<(), ArrowError> {
    let matched = Matched::of(&old.origins, &new.origins);
    let limit = comparison.comparing.examples;
    for (row, numbers) in &matched.numbers {
        // That rows have none in one of the versions is their fate.
        let at = *row as usize;
        if old_judged.fates[at] != Fate::Passed || new_judged.fates[at] != Fate::Passed {
            continue;
        }
        differs[at] = true;
        let [old, new] = numbers.map(|number| Some(number.to_string()));
        let example = comparison.example(batch.position(at), old, new);
        tally.numbers.add(limit, || example);
    }
    let (left, right) = (matched.rows(&old.batch, 0)?, matched.rows(&new.batch, 1)?);
    compare_values(comparison, columns, (&left, &right), tally, |pair| {
        let row = matched.pairs[pair].2 as usize;
        differs[row] = true;
        batch.position(row)
    })
}

/// Compares columns of equal length, value by value. `position` is told the rows that differ, and tells where they are.
pub(super) fn compare_values(
    comparison: Comparison<'_>,
    columns: &Columns,
    (old, new): (&[ArrayRef], &[ArrayRef]),
    tally: &mut Tally,
    mut position: impl FnMut(usize) -> Option<u64>,
) -> Result<(), ArrowError> {
    let limit = comparison.comparing.examples;
    for ((_, _, name), (old, new)) in columns.common.iter().zip(old.iter().zip(new)) {
        let Some(mask) = differing(old, new, comparison.comparing.tolerance)? else { continue };
        let found = tally.values.entry(name.clone()).or_default();
        for row in mask.set_indices() {
            let at = position(row);
            found.try_add(limit, || {
                Ok::<_, ArrowError>(comparison.example(at, shown(old, row)?, shown(new, row)?))
            })?;
        }
    }
    Ok(())
}

/// Output rows that come from the same input row.
struct Matched {
    /// The row of each version, and the input row.
    pairs: Vec<(u32, u32, u32)>,
    /// Input rows with different numbers of output rows, and both numbers.
    numbers: Vec<(u32, [usize; 2])>,
}

impl Matched {
    /// Both sides ascend.
    fn of(old: &[u32], new: &[u32]) -> Self {
        let mut matched = Self { pairs: Vec::with_capacity(old.len()), numbers: Vec::new() };
        let (mut left, mut right) = (0, 0);
        while left < old.len() || right < new.len() {
            let next = |side: &[u32], at: usize| side.get(at).copied().unwrap_or(u32::MAX);
            let row = next(old, left).min(next(new, right));
            let run = |side: &[u32], at: usize| {
                side[at..].iter().take_while(|&&origin| origin == row).count()
            };
            let (many_old, many_new) = (run(old, left), run(new, right));
            for nth in 0..many_old.min(many_new) {
                matched.pairs.push(((left + nth) as u32, (right + nth) as u32, row));
            }
            if many_old != many_new {
                matched.numbers.push((row, [many_old, many_new]));
            }
            left += many_old;
            right += many_new;
        }
        matched
    }

    /// The columns of one version, with a row for each pair.
    fn rows(&self, batch: &RecordBatch, side: usize) -> Result<Vec<ArrayRef>, ArrowError> {
        let row = |pair: &(u32, u32, u32)| [pair.0, pair.1][side];
        let is_all = self.pairs.len() == batch.num_rows();
        if is_all {
            return Ok(batch.columns().to_vec());
        }
        let rows = UInt32Array::from_iter_values(self.pairs.iter().map(row));
        batch.columns().iter().map(|column| take(column, &rows, None)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;
    use wasmill_sandbox::contract::bindings::transform::Selection;
    use wasmill_sandbox::contract::processed::{Output, Tally as Counted};
    use wasmill_sandbox::contract::selection::RowSelection;

    use super::*;
    use crate::exec::blame::Blame;
    use crate::exec::rows::counted;

    #[test]
    fn output_rows_are_matched_by_their_input_row() {
        let matched = Matched::of(&[0, 1, 1, 1, 3, 5], &[0, 1, 2, 3, 3]);
        let pairs = [(0, 0, 0), (1, 1, 1), (4, 3, 3)];
        assert_eq!(matched.pairs, pairs);
        let numbers = [(1, [3, 1]), (2, [0, 1]), (3, [1, 2]), (5, [1, 0])];
        assert_eq!(matched.numbers, numbers);
        assert!(Matched::of(&[], &[]).pairs.is_empty());
    }

    fn values(values: &[i64]) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        RecordBatch::try_from_iter([("value", column)]).unwrap()
    }

    /// The output rows of a piece, each with its input row in the piece, and the rows that are bad.
    fn passed(range: std::ops::Range<usize>, rows: &[(u32, i64)], bad: &[u32]) -> Piece<Processed> {
        let origins = rows.iter().map(|row| row.0).collect();
        let selection = RowSelection::new(Selection::Indices(origins), range.len()).unwrap();
        let batch = values(&rows.iter().map(|row| row.1).collect::<Vec<_>>());
        let finding = Finding {
            rows: bad.to_vec(),
            rule: "odd".to_owned(),
            column: None,
            message: "it is".to_owned(),
        };
        let bad_rows = if bad.is_empty() { Vec::new() } else { vec![finding] };
        let outputs = vec![Output { batch, rows: selection }];
        (range, Ok(Processed { outputs, bad_rows, tally: Counted::default() }))
    }

    fn trapped(row: usize) -> Piece<Processed> {
        let blame = Blame::of_rows(Fault::Stack { export: "process" }, 0, Vec::new());
        (row..row + 1, Err(blame))
    }

    /// The rows that differ, and what was counted.
    fn compared(
        rows: usize,
        old: &[Piece<Processed>],
        new: &[Piece<Processed>],
    ) -> (Vec<usize>, Tally) {
        let batch = Numbered { batch: values(&vec![0; rows]), rows: counted(100, rows) };
        let schema = batch.batch.schema();
        let columns = Columns::of(&schema, &schema);
        let comparison = Comparison { comparing: &Comparing::default(), split: "s" };
        let (mut differs, mut tally) = (vec![false; rows], Tally::default());
        let judged = [old, new].map(|pieces| Judged::transformed(rows, pieces));
        let outputs = [old, new]
            .map(|pieces| Outputs::new(pieces, |batch| columns.of_old(batch), &schema).unwrap());
        let [old, new] = &judged;
        compare_fates(comparison, &batch, old, new, &mut differs, &mut tally);
        let outputs = (&outputs[0], &outputs[1]);
        let judged = (old, new);
        compare_outputs(comparison, &columns, &batch, outputs, judged, &mut differs, &mut tally)
            .unwrap();
        ((0..rows).filter(|&row| differs[row]).collect(), tally)
    }

    #[test]
    fn pieces_need_not_match() {
        let old = [passed(0..4, &[(0, 1), (1, 2), (2, 3), (3, 4)], &[])];
        // In another order, and from other calls.
        let new = [passed(0..1, &[(0, 1)], &[]), passed(1..4, &[(2, 4), (0, 2), (1, 3)], &[])];
        let (differs, tally) = compared(4, &old, &new);
        assert!(differs.is_empty(), "{differs:?}");
        assert!(tally.values.is_empty() && tally.fates.is_empty() && tally.rules.is_empty());
    }

    #[test]
    fn each_row_differs_in_its_own_way() {
        let old = [passed(0..6, &[(0, 1), (1, 2), (2, 3), (5, 6), (5, 6)], &[3])];
        let new = [
            passed(0..2, &[(0, 1), (1, 20)], &[]),
            trapped(2),
            passed(3..6, &[(0, 4), (2, 6)], &[]),
        ];
        let (differs, tally) = compared(6, &old, &new);
        // Row 4 is dropped by both, row 0 is the same.
        assert_eq!(differs, [1, 2, 3, 5]);
        let fates: Vec<_> = tally
            .fates
            .iter()
            .map(|(old, new, found)| (old.name(), new.name(), found.examples[0].row))
            .collect();
        let fate = |old: &str, new: &str, row| (old.to_owned(), new.to_owned(), Some(row));
        let expected = [fate("passed", "fault: stack", 102), fate("rejected", "passed", 103)];
        assert_eq!(fates, expected);
        assert_eq!(tally.fates[1].2.examples[0].old.as_deref(), Some("odd: it is"));
        let value = &tally.values["value"];
        assert_eq!((value.rows, value.examples[0].row), (1, Some(101)));
        assert_eq!(tally.numbers.examples[0].row, Some(105));
        assert_eq!(tally.numbers.examples[0].old.as_deref(), Some("2"));
        let rules: Vec<_> = tally.rules.values().map(|rule| (rule.old, rule.new)).collect();
        assert_eq!(rules, [(1, 0)]);
    }

    /// Rows that a version never got to pass say nothing of output rows.
    #[test]
    fn a_version_that_failed_as_a_whole_has_one_reason() {
        let judged = Judged::failed(3, &Fault::Stack { export: "process" });
        for row in 0..3 {
            assert_eq!(judged.reason(row).as_deref(), Some("`process` overflowed its stack"));
        }
    }
}
