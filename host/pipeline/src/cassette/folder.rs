//! The folder that a run keeps its cassettes in, and how many.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wasmill_sandbox::fault::FaultKind;

/// How many cassettes of one step a run keeps.
pub(super) const MAX_KEPT: usize = 20;
/// How many of them hold a deadline: each is waited for once more.
pub(super) const MAX_KEPT_DEADLINES: usize = 2;
/// The cassettes of one run.
pub(crate) struct CassetteFolder {
    pub(super) folder: PathBuf,
    steps: Mutex<BTreeMap<String, StepCassettes>>,
}

#[derive(Default)]
struct StepCassettes {
    kept: usize,
    deadlines: usize,
    missed: u64,
    /// Calls that an earlier attempt at the split failed on already.
    known: BTreeSet<(String, u64, &'static str)>,
}

/// Whether a failed call gets a cassette.
pub(super) enum Admission {
    /// The number of the cassette.
    Kept(usize),
    /// It has one already.
    Known,
    /// There are enough: how many were not kept so far.
    Missed(u64),
}

impl CassetteFolder {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, steps: Mutex::default() }
    }

    /// Counts one more that is not kept.
    pub(super) fn missed(&self, step: &str) -> u64 {
        let mut steps = self.lock();
        let cassettes = steps.entry(step.to_owned()).or_default();
        cassettes.missed += 1;
        cassettes.missed
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, StepCassettes>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn admit(
        &self,
        step: &str,
        split: &str,
        first_row: u64,
        kind: FaultKind,
    ) -> Admission {
        let mut steps = self.lock();
        let cassettes = steps.entry(step.to_owned()).or_default();
        if !cassettes.known.insert((split.to_owned(), first_row, kind.name())) {
            return Admission::Known;
        }
        let is_deadline = kind == FaultKind::Deadline;
        if cassettes.kept == MAX_KEPT || (is_deadline && cassettes.deadlines == MAX_KEPT_DEADLINES)
        {
            cassettes.missed += 1;
            return Admission::Missed(cassettes.missed);
        }
        cassettes.kept += 1;
        cassettes.deadlines += usize::from(is_deadline);
        Admission::Kept(cassettes.kept)
    }
}
