//! Collecting what is wrong with which rows.

use std::collections::HashMap;

use crate::bindings::types::Finding;

/// Findings of one batch: rows that share rule, column and message share a finding.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    findings: Vec<Finding>,
    index: HashMap<(String, Option<String>, String), usize>,
}

impl Findings {
    pub(crate) fn add(&mut self, row: usize, rule: &str, column: Option<&str>, message: &str) {
        let row = row as u32;
        let key = (rule.to_owned(), column.map(str::to_owned), message.to_owned());
        match self.index.get(&key) {
            Some(&index) => {
                let rows = &mut self.findings[index].rows;
                // Rows are mostly reported in order; the contract wants them ascending, each once.
                if let Err(place) = rows.binary_search(&row) {
                    rows.insert(place, row);
                }
            }
            None => {
                self.index.insert(key.clone(), self.findings.len());
                let (rule, column, message) = key;
                self.findings.push(Finding { rows: vec![row], rule, column, message });
            }
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.findings
    }
}
