//! How much a call takes back across the boundary, counted before it is lifted.
//!
//! What goes in is counted by [`crate::lowering`]. Both are sums over buffers, a few per column, so they are counted in
//! every call: whoever looks for what a step costs has them without a special run.

use wasmill_contract::bindings::{extract, transform, types, validate};

/// What a transformer's last call handed back.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    pub(crate) bytes: u64,
    /// For each new column, whether some output handed it back as an input column that is kept. Empty where values
    /// do not cross as columns.
    pub(crate) kept: Vec<bool>,
}

impl Returned {
    /// Counts what a call returned, in place of the call before.
    pub(crate) fn observe(&mut self, outputs: &[transform::Output], bad_rows: &[types::Finding]) {
        self.kept.clear();
        self.bytes = findings(bad_rows);
        for output in outputs {
            self.bytes += selection(&output.rows);
            match &output.values {
                transform::NewValues::Columns(columns) => self.observe_columns(columns),
                transform::NewValues::Ipc(bytes) => self.bytes += bytes.len() as u64,
                transform::NewValues::Json(text) => self.bytes += text.len() as u64,
            }
        }
    }

    fn observe_columns(&mut self, columns: &[transform::NewColumn]) {
        self.kept.resize(self.kept.len().max(columns.len()), false);
        for (kept, column) in self.kept.iter_mut().zip(columns) {
            match column {
                transform::NewColumn::Keep(_) => *kept = true,
                transform::NewColumn::PerInputRow(column)
                | transform::NewColumn::PerOutputRow(column) => self.bytes += nodes(column),
            }
        }
    }
}

/// Of what a validator says of a batch.
pub(crate) fn verdict(verdict: &validate::Verdict) -> u64 {
    let violations = verdict.violations.iter().map(|violation| finding(&violation.finding));
    verdict.partial.len() as u64 + violations.sum::<u64>()
}

/// Of the rows that an extractor read.
pub(crate) fn extracted(extracted: &extract::Extracted) -> u64 {
    let bad = extracted.bad_records.iter().map(|record| record.raw.len() as u64);
    payload(&extracted.values) + bad.sum::<u64>()
}

/// Of what is wrong with rows.
pub(crate) fn findings(all: &[types::Finding]) -> u64 {
    all.iter().map(finding).sum()
}

fn finding(finding: &types::Finding) -> u64 {
    let texts = [Some(&finding.rule), finding.column.as_ref(), Some(&finding.message)];
    let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
    (size_of_val(&finding.rows[..]) + texts) as u64
}

fn selection(selection: &transform::Selection) -> u64 {
    match selection {
        transform::Selection::All | transform::Selection::Detached(_) => 0,
        transform::Selection::Bitmap(bits) => bits.len() as u64,
        transform::Selection::Indices(rows) => size_of_val(&rows[..]) as u64,
    }
}

fn payload(payload: &types::Payload) -> u64 {
    match payload {
        types::Payload::Columns(columns) => nodes(columns),
        types::Payload::Ipc(bytes) => bytes.len() as u64,
        types::Payload::Json(text) => text.len() as u64,
    }
}

fn nodes(nodes: &[types::Node]) -> u64 {
    let bytes = |node: &types::Node| node.validity.len() + node.offsets.len() + node.values.len();
    nodes.iter().map(bytes).sum::<usize>() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(bytes: usize) -> types::Node {
        types::Node { length: 8, validity: vec![0], offsets: Vec::new(), values: vec![0; bytes] }
    }

    #[test]
    fn buffers_selections_and_findings_are_counted_and_kept_columns_are_not() {
        let values = transform::NewValues::Columns(vec![
            transform::NewColumn::Keep(3),
            transform::NewColumn::PerOutputRow(vec![node(64), node(8)]),
        ]);
        let output = transform::Output { rows: transform::Selection::Bitmap(vec![1]), values };
        let finding = types::Finding {
            rows: vec![4, 5],
            rule: "rule".to_owned(),
            column: None,
            message: "message".to_owned(),
        };
        let mut returned = Returned::default();
        returned.observe(&[output], &[finding]);
        assert_eq!(returned.bytes, (1 + 64) + (1 + 8) + 1 + (8 + 4 + 7));
        assert_eq!(returned.kept, [true, false]);
        returned.observe(&[], &[]);
        assert_eq!((returned.bytes, returned.kept.len()), (0, 0));
    }
}
