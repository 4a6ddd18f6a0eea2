//! Collecting what is wrong with which rows.

use std::collections::HashMap;

use crate::bindings::types::Finding;

/// Findings of one batch: rows that share rule, column and message share a finding.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    findings: Vec<Finding>,
    index: HashMap<(String, Option<String>, String), usize>,
    /// The finding that was added to last: mostly the next one to be added to.
    last: usize,
}

impl Findings {
    pub(crate) fn add(&mut self, row: usize, rule: &str, column: Option<&str>, message: &str) {
        let row = row as u32;
        if let Some(last) = self.findings.get_mut(self.last)
            && last.rule == rule
            && last.column.as_deref() == column
            && last.message == message
        {
            return add_row(&mut last.rows, row);
        }
        let key = (rule.to_owned(), column.map(str::to_owned), message.to_owned());
        self.last = match self.index.get(&key) {
            Some(&index) => {
                add_row(&mut self.findings[index].rows, row);
                index
            }
            None => {
                self.index.insert(key.clone(), self.findings.len());
                let (rule, column, message) = key;
                self.findings.push(Finding { rows: vec![row], rule, column, message });
                self.findings.len() - 1
            }
        };
    }

    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.findings
    }
}

/// Rows are mostly reported in order; the contract wants them ascending, each once.
fn add_row(rows: &mut Vec<u32>, row: u32) {
    if rows.last().is_none_or(|&last| last < row) {
        rows.push(row);
    } else if let Err(place) = rows.binary_search(&row) {
        rows.insert(place, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_ascending_and_each_is_there_once() {
        let mut findings = Findings::default();
        for (row, message) in [(5, "a"), (2, "a"), (5, "a"), (1, "b"), (3, "a"), (9, "a")] {
            findings.add(row, "rule", None, message);
        }
        findings.add(5, "rule", Some("column"), "a");
        let found: Vec<(Vec<u32>, String)> = findings
            .into_vec()
            .into_iter()
            .map(|finding| (finding.rows, finding.message))
            .collect();
        let expected = [(vec![2, 3, 5, 9], "a"), (vec![1], "b"), (vec![5], "a")];
        assert_eq!(found, expected.map(|(rows, message)| (rows, message.to_owned())));
    }
}
