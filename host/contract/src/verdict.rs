//! What a validator says of a batch, and of the table as a whole.

use serde::{Deserialize, Serialize};

use crate::bindings::validate as wit;
use crate::finding::{Finding, FindingBreach, MAX_FINDINGS, bounded_text};

/// What a validator says of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Rows to reject.
    pub rejected: Vec<Finding>,
    /// Rows to count and let pass.
    pub warned: Vec<Finding>,
    /// What the batch adds to the judgement of the table; the plugin's own format.
    pub partial: Vec<u8>,
}

impl Verdict {
    /// Checks what `check` returned for a batch of `rows` rows.
    pub fn new(verdict: wit::Verdict, rows: usize) -> Result<Self, FindingBreach> {
        if verdict.violations.len() > MAX_FINDINGS {
            return Err(FindingBreach::TooMany(verdict.violations.len()));
        }
        let mut rejected = Vec::new();
        let mut warned = Vec::new();
        for violation in verdict.violations {
            let finding = Finding::new(violation.finding, rows)?;
            match violation.severity {
                wit::Severity::Reject => rejected.push(finding),
                wit::Severity::Warn => warned.push(finding),
            }
        }
        Ok(Self { rejected, warned, partial: verdict.partial })
    }
}

/// What a validator says of the table as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conclusion {
    pub rules: Vec<RuleResult>,
    pub metrics: Vec<Metric>,
}

/// The result of one rule over the whole table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleResult {
    pub rule: String,
    pub column: Option<String>,
    pub outcome: Outcome,
    pub message: String,
    /// Rows judged.
    pub checked: u64,
    /// Rows among them that violate the rule.
    pub violated: u64,
}

/// What a rule over the whole table demands of the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Pass,
    Warn,
    Refuse,
}

/// A value that a plugin measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    pub name: String,
    pub value: f64,
}

impl Conclusion {
    /// Takes over what `conclude` returned; texts are cut and made printable.
    pub fn new(conclusion: wit::Conclusion) -> Self {
        let rules = conclusion.rules.into_iter().take(MAX_FINDINGS).map(|result| RuleResult {
            rule: bounded_text(result.rule),
            column: result.column.map(bounded_text),
            outcome: match result.outcome {
                wit::Outcome::Pass => Outcome::Pass,
                wit::Outcome::Warn => Outcome::Warn,
                wit::Outcome::Refuse => Outcome::Refuse,
            },
            message: bounded_text(result.message),
            checked: result.checked,
            violated: result.violated,
        });
        let metrics = conclusion
            .metrics
            .into_iter()
            .take(MAX_FINDINGS)
            .map(|metric| Metric { name: bounded_text(metric.name), value: metric.value });
        Self { rules: rules.collect(), metrics: metrics.collect() }
    }
}
