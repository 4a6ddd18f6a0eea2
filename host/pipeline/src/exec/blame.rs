//! What a call into a plugin failed with, and what is known of it: enough to explain it to somebody who was not there.

use wasmill_sandbox::fault::Fault;

/// A failed call.
#[derive(Debug)]
pub(crate) struct Blame {
    pub(crate) fault: Fault,
    /// What the call used up, in units of about one WebAssembly instruction; 0 where fuel is not metered.
    pub(crate) fuel: u64,
    /// The last log lines of the instance, oldest first.
    pub(crate) last_lines: Vec<String>,
    /// Whether the call was one about rows: not the opening of an instance, and not the repetition of what had passed.
    about_rows: bool,
}

impl Blame {
    /// Of a call about rows.
    pub(crate) fn of_rows(fault: Fault, fuel: u64, last_lines: Vec<String>) -> Self {
        Self { fault, fuel, last_lines, about_rows: true }
    }

    /// Of a call that was about no row in particular.
    pub(crate) fn of_no_row(fault: Fault) -> Self {
        Self { fault, fuel: 0, last_lines: Vec::new(), about_rows: false }
    }

    /// Whether rows of the batch can be the cause, so that it makes sense to look for them.
    pub(crate) fn may_be_a_row(&self) -> bool {
        self.about_rows && self.fault.kind().may_be_a_row()
    }
}
