//! What becomes of rows that cannot go on: kept in the quarantine, dropped, or the end of the run.

use std::collections::BTreeMap;

use datafusion::error::Result;
use wasmill_sandbox::component::Digest;

use crate::error::StepError;
use crate::exec::blame::Blame;
use crate::exec::quarantine::{FaultRecord, Reason};
use crate::exec::rows::Numbered;
use crate::exec::task::{StepCounts, Task};
use crate::explain::Explanation;
use crate::file::sections::BadRowPolicy;
use crate::policy::breaker::{Admission, Permit};

/// The rule of rows that are held back because a breaker was open.
const DIVERTED: &str = "breaker-open";

/// Rows of a batch that a step of a task is to set aside.
pub(crate) struct SettingAside<'a> {
    pub(crate) task: &'a Task,
    pub(crate) step: &'a str,
    pub(crate) digest: Digest,
    pub(crate) batch: &'a Numbered,
}

impl SettingAside<'_> {
    /// Sets rows aside as the policy says, and counts them.
    pub(crate) fn rows(
        &self,
        policy: BadRowPolicy,
        reasons: &BTreeMap<u32, Vec<Reason>>,
        counts: &mut StepCounts,
    ) -> Result<()> {
        self.set_aside(policy, reasons, None, counts)
    }

    /// Sets the batch, which is one row that is to blame for a fault, aside.
    pub(crate) fn blamed_row(
        &self,
        policy: BadRowPolicy,
        blame: &Blame,
        explanation: &Explanation,
        counts: &mut StepCounts,
    ) -> Result<()> {
        let secrets = &self.task.around.secrets;
        let reasons = BTreeMap::from([(0, vec![Reason::of_fault(&blame.fault, secrets)])]);
        let record = FaultRecord::new(blame, explanation, secrets);
        self.set_aside(policy, &reasons, Some(&record), counts)
    }

    /// Waits until the batch may go through the plugin. None where its rows were set aside instead.
    pub(crate) async fn admit(&self) -> Result<Option<Permit<'_>>> {
        match self.task.admit(self.step).await? {
            Admission::Call(permit) => Ok(Some(permit)),
            Admission::Divert(reason) => {
                self.diverted(&reason)?;
                Ok(None)
            }
        }
    }

    /// Sets all rows aside that never reached the plugin, and counts them.
    fn diverted(&self, reason: &str) -> Result<()> {
        let message = format!("the plugin was not called: {reason}");
        let rule = DIVERTED.to_owned();
        let reason = vec![Reason { rule, column: None, message }];
        let rows = self.batch.batch.num_rows();
        let reasons = (0..rows as u32).map(|row| (row, reason.clone())).collect();
        let mut counts = StepCounts { rows_in: rows as u64, ..StepCounts::default() };
        self.set_aside(BadRowPolicy::Quarantine, &reasons, None, &mut counts)?;
        self.task.count(self.step, &counts);
        Ok(())
    }

    fn set_aside(
        &self,
        policy: BadRowPolicy,
        reasons: &BTreeMap<u32, Vec<Reason>>,
        fault: Option<&FaultRecord>,
        counts: &mut StepCounts,
    ) -> Result<()> {
        let rows = reasons.len() as u64;
        match self.task.around.policy(self.step, policy) {
            BadRowPolicy::Drop => counts.dropped += rows,
            BadRowPolicy::Fail => {
                if let Some((row, reasons)) = reasons.first_key_value() {
                    return Err(self.refused(*row, reasons).into());
                }
            }
            BadRowPolicy::Quarantine => {
                let digest = Some(self.digest.to_string());
                let (step, split) = (self.step.to_owned(), self.task.split.clone());
                self.task
                    .quarantine_rows(self.step, digest, self.batch, reasons, fault)
                    .map_err(|source| StepError::Connector { step, split, source })?;
                counts.quarantined += rows;
            }
        }
        Ok(())
    }

    /// The error that ends the run because of a row.
    fn refused(&self, row: u32, reasons: &[Reason]) -> StepError {
        let joined =
            |part: fn(&Reason) -> &str| reasons.iter().map(part).collect::<Vec<_>>().join("; ");
        StepError::RowRefused {
            step: self.step.to_owned(),
            split: self.task.split.clone(),
            position: self.batch.position(row as usize),
            rule: joined(|reason| &reason.rule),
            message: joined(|reason| &reason.message),
        }
    }
}
