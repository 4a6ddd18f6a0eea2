//! What the plugin does without an attack: it counts rows, and finds nothing wrong with them.

use wasmill_plugin_sdk::bindings::types::{Batch, Encoding, Finding};
use wasmill_plugin_sdk::bindings::validate::{
    Binding, Conclusion, Outcome, RuleResult, Severity, Verdict, Violation,
};

pub fn binding() -> Binding {
    Binding { reads: vec![0], encoding: Encoding::Columns }
}

/// The partial state is the number of rows.
pub fn verdict(batch: &Batch) -> Verdict {
    let partial = u64::from(batch.rows).to_le_bytes().to_vec();
    Verdict { violations: Vec::new(), partial }
}

pub fn merge(partials: &[Vec<u8>]) -> Vec<u8> {
    partials.iter().map(|partial| rows(partial)).sum::<u64>().to_le_bytes().to_vec()
}

pub fn conclusion(state: &[u8]) -> Conclusion {
    let counted = RuleResult { checked: rows(state), ..rule("counted".to_owned()) };
    Conclusion { rules: vec![counted], metrics: Vec::new() }
}

fn rows(state: &[u8]) -> u64 {
    u64::from_le_bytes(state.try_into().expect("a state is the number of rows"))
}

/// A rule that is kept.
pub fn rule(name: String) -> RuleResult {
    RuleResult {
        message: name.clone(),
        rule: name,
        column: None,
        outcome: Outcome::Pass,
        checked: 0,
        violated: 0,
    }
}

/// Something wrong with these rows.
pub fn violation(rows: Vec<u32>) -> Violation {
    let finding =
        Finding { rows, rule: "made-up".to_owned(), column: None, message: "not so".to_owned() };
    Violation { severity: Severity::Reject, finding }
}
