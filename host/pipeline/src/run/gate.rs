//! The gate: what the manifests of all splits say of the table as a whole decides whether a run is published.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmill_ledger::HistoryEntry;
use wasmill_sandbox::Usage;
use wasmill_sandbox::contract::verdict::{Conclusion, Outcome};
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::validator::OpenValidator;

use crate::checked::{ValidateWork, Work};
use crate::events::Event;
use crate::run::failure::RunFailure;
use crate::run::{Progress, RunContext};

/// How many partial states are merged at once.
const MERGED_AT_ONCE: usize = 64;

/// What a validator says of the table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    pub step: String,
    pub passed: bool,
    /// Why not.
    pub reasons: Vec<String>,
    pub conclusion: Conclusion,
}

impl RunContext {
    /// Lets the run pass, or refuses it with all reasons. Rows of the quarantine are no table to be judged.
    pub(super) async fn gate(&self, progress: &mut Progress) -> Result<(), RunFailure> {
        if self.pipeline.replay.is_some() {
            return Ok(());
        }
        let mut refused = Vec::new();
        for (name, step) in &self.pipeline.steps {
            let Work::Validate(work) = &step.work else { continue };
            let counts = progress.totals.counts(name);
            let rows = usize::try_from(counts.rows_in).unwrap_or(usize::MAX);
            let partials = progress.totals.partials(name);
            let (conclusion, usage) = self.conclude(name, work, partials, rows).await?;
            progress.totals.used(name, &usage);
            let mut reasons: Vec<String> = conclusion
                .rules
                .iter()
                .filter(|result| result.outcome == Outcome::Refuse)
                .map(|result| match &result.column {
                    Some(column) => {
                        format!("`{name}`: {} of `{column}`: {}", result.rule, result.message)
                    }
                    None => format!("`{name}`: {}: {}", result.rule, result.message),
                })
                .collect();
            let held_back = counts.quarantined + counts.dropped;
            if let Some(limit) = work.max_quarantined
                && limit.is_exceeded(held_back, counts.rows_in)
            {
                reasons.push(format!(
                    "`{name}` rejected {held_back} of {} rows; gate.max_quarantined is {limit}",
                    counts.rows_in
                ));
            }
            let passed = reasons.is_empty();
            self.pipeline.observer.event(Event::Gate {
                step: name.clone(),
                passed,
                message: reasons.join("; "),
            });
            refused.extend(reasons.iter().cloned());
            let report = GateReport { step: name.clone(), passed, reasons, conclusion };
            let json = serde_json::to_value(&report).expect("a report is plain data");
            self.ledger.note(&self.run, "gate", json).await?;
            progress.gates.push(report);
        }
        let (quarantined, read) = progress.totals.quarantined_of_read(&self.pipeline);
        if let Some(limit) = self.pipeline.settings.max_quarantined
            && limit.is_exceeded(quarantined, read)
        {
            refused.push(format!(
                "{quarantined} of {read} records were quarantined; pipeline.max_quarantined is {limit}"
            ));
        }
        if refused.is_empty() { Ok(()) } else { Err(RunFailure::Refused { reasons: refused }) }
    }

    /// Merges the partial states of all splits and has the table judged; with what that took.
    async fn conclude(
        &self,
        step: &str,
        work: &ValidateWork,
        files: &[PathBuf],
        rows: usize,
    ) -> Result<(Conclusion, Usage), RunFailure> {
        let fault =
            |fault: Fault| RunFailure::Plugin { step: step.to_owned(), fault: Box::new(fault) };
        let binding = Arc::clone(&work.binding);
        let mut open =
            work.validator.open(binding, self.pipeline.settings.seed).await.map_err(fault)?;
        let state = merge(&mut open, files, rows).await.map_err(|error| match error {
            MergeError::Fault(error) => fault(error),
            MergeError::Read(message) => RunFailure::Host(message),
        })?;
        let conclusion = open.conclude(&state, rows).await.map_err(fault)?;
        Ok((conclusion, open.usage()))
    }
}

/// What gates said, as the history of a run has it: the latest of each step.
pub(super) fn reports(history: &[HistoryEntry]) -> Vec<GateReport> {
    let mut latest: Vec<GateReport> = Vec::new();
    for entry in history.iter().filter(|entry| entry.kind == "gate") {
        let Ok(report) = serde_json::from_value::<GateReport>(entry.detail.clone()) else {
            continue;
        };
        latest.retain(|earlier| earlier.step != report.step);
        latest.push(report);
    }
    latest
}

enum MergeError {
    Fault(Fault),
    Read(String),
}

/// One state from all: some at once, so that few are in memory.
async fn merge(
    open: &mut OpenValidator,
    files: &[PathBuf],
    rows: usize,
) -> Result<Vec<u8>, MergeError> {
    let mut state = open.merge(&[], rows).await.map_err(MergeError::Fault)?;
    for files in files.chunks(MERGED_AT_ONCE) {
        let mut states = vec![state];
        for file in files {
            states.push(std::fs::read(file).map_err(|error| {
                MergeError::Read(format!("cannot read {}: {error}", file.display()))
            })?);
        }
        state = open.merge(&states, rows).await.map_err(MergeError::Fault)?;
    }
    Ok(state)
}
