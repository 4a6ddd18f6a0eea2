//! A plugin's fault, explained as a compiler explains an error: where in the plugin's source, at which row, what that means
//! in words, and what to look at.
//!
//! ```text
//! error[trap]: `clean` panicked on one row
//!   --> plugins/clean/src/email.rs:41:23 in normalise_email
//!    |  called by process (plugins/clean/src/lib.rs:80:9)
//!    = row 4711 of split orders-00000: email = null, amount = "12"
//!    = cause: `process` trapped: the guest panicked or aborted
//!    = it last said: called `Option::unwrap()` on a `None` value
//!    = hint: column `email` is null here
//! ```
//!
//! An [`Explanation`] is made from what is at hand when a call has failed, a [`Case`], and can be stored. It does nothing but
//! put words together. Source lines are there when somebody had them looked for before: `Plugin::locate`.
//!
//! Names, messages and values are those of guests and of data. Each is cut and put on one line, and nothing of it can
//! command a terminal. Values are shown as they are: an explanation is as confidential as the row, and secrets of a
//! configuration that a plugin may have logged are to be taken out by whoever shows it.

mod hints;
mod row;

use std::fmt;

use arrow::array::RecordBatch;
use serde::{Deserialize, Serialize};
use wasmill_sandbox::contract::failure::Failure;
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::frames::{Frame, Location, culprit, one_line};
use wasmill_sandbox::limits::Limits;

use self::row::shown_values;
use crate::numbers::grouped;

/// Longer messages are cut, in characters.
const MAX_MESSAGE_CHARS: usize = 400;
/// Longer names of steps, splits and columns are cut.
const MAX_NAME_CHARS: usize = 80;
/// Longer names of functions are cut.
const MAX_FUNCTION_CHARS: usize = 256;
/// How many functions are shown that led to the place.
const MAX_CALLERS: usize = 4;

/// What is known of a call that failed, beside the fault.
#[derive(Debug, Clone, Copy, Default)]
pub struct Case<'a> {
    pub step: &'a str,
    /// The plugin's name, or its digest.
    pub plugin: &'a str,
    pub split: Option<&'a str>,
    /// The row's number in the step's input, where the cause was searched down to one.
    pub position: Option<u64>,
    /// What the step was given: the one row, where the cause was searched down to one.
    pub seen: Option<&'a RecordBatch>,
    /// The columns that the plugin reads; empty where that is not known.
    pub reads: &'a [String],
    /// The fuel of the call.
    pub fuel: Option<u64>,
    /// The limits that held.
    pub limits: Option<&'a Limits>,
}

/// Why a call failed, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub kind: FaultKind,
    /// Such as "`clean` panicked on one row".
    pub headline: String,
    pub plugin: String,
    /// Where in the guest it happened: the innermost function of the plugin's own.
    pub at: Option<Frame>,
    /// The functions that led there, innermost first.
    pub called_by: Vec<Frame>,
    /// The row, where there is one.
    pub row: Option<ShownRow>,
    pub cause: String,
    /// What the guest last said.
    pub said: Option<String>,
    pub fuel: Option<u64>,
    /// What to look at, or to do.
    pub hints: Vec<String>,
}

/// A row, cut to what can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRow {
    pub split: Option<String>,
    pub position: Option<u64>,
    /// Columns with their values, those first that the plugin reads.
    pub values: Vec<(String, String)>,
    /// How many more columns there are.
    pub more_columns: usize,
}

impl Explanation {
    pub fn new(fault: &Fault, case: &Case<'_>) -> Self {
        let one = case.seen.filter(|seen| seen.num_rows() == 1);
        let row = (one.is_some() || case.position.is_some()).then(|| {
            let (values, more_columns) =
                one.map(|row| shown_values(row, case.reads)).unwrap_or_default();
            ShownRow { split: case.split.map(name), position: case.position, values, more_columns }
        });
        let (at, called_by) = place(fault.stack());
        let said = fault.last_said().map(|said| one_line(&said, MAX_MESSAGE_CHARS));
        Self {
            kind: fault.kind(),
            headline: headline(fault, case),
            plugin: name(case.plugin),
            at,
            called_by,
            row,
            cause: one_line(&crate::error::chain(fault), MAX_MESSAGE_CHARS),
            hints: hints::hints(fault, case, said.as_deref()),
            said,
            fuel: case.fuel,
        }
    }
}

/// A name as a part of one line.
fn name(name: &str) -> String {
    one_line(name, MAX_NAME_CHARS)
}

/// The frame to look at, and its callers that are the plugin's own too.
fn place(stack: &[Frame]) -> (Option<Frame>, Vec<Frame>) {
    let Some(position) = culprit(stack) else { return (None, Vec::new()) };
    let callers = stack[position + 1..].iter().filter(|frame| !frame.is_entry());
    // Without source lines, nobody knows whose function it is.
    let own = callers.filter(|frame| !frame.location.as_ref().is_some_and(Location::is_of_library));
    (Some(bounded(&stack[position])), own.take(MAX_CALLERS).map(bounded).collect())
}

/// The sandbox bounds what it takes from a guest; what was stored meanwhile may be anything.
fn bounded(frame: &Frame) -> Frame {
    let location = frame.location.as_ref();
    Frame {
        function: one_line(&frame.function, MAX_FUNCTION_CHARS),
        location: location.map(|at| Location::new(&at.file, at.line, at.column)),
        ..frame.clone()
    }
}

fn headline(fault: &Fault, case: &Case<'_>) -> String {
    let what = match fault {
        Fault::Trap { cause, .. } if cause.contains("panicked") => "panicked",
        Fault::Trap { cause, .. } if cause.contains("called exit") => "exited",
        Fault::Trap { .. } => "trapped",
        Fault::Fuel { .. } => "used up its fuel",
        Fault::Deadline { .. } => "did not return in time",
        Fault::Memory { .. } => "needs more memory than it may use",
        Fault::Stack { .. } => "overflowed its stack",
        Fault::OutputBytes { .. } => "returned more than it may",
        Fault::Contract { .. } => "broke the contract",
        Fault::Failure { failure: Failure::Retryable { .. }, .. } => "failed for the moment",
        Fault::Failure { failure: Failure::BadConfig { .. }, .. } => "refuses its configuration",
        Fault::Failure { failure: Failure::BadSchema { .. }, .. } => "refuses its input's columns",
        Fault::Failure { failure: Failure::Fatal(_), .. } => "failed",
        Fault::Busy => "found no free slot for an instance",
        Fault::Crowded { .. } => "found no memory left",
        Fault::Unrepeatable { .. } => "cannot be repeated",
        Fault::Gone { .. } => "was called after it had failed",
        Fault::Host { .. } => "could not be called",
    };
    let rows = match (case.seen.map(RecordBatch::num_rows), case.position, fault.export()) {
        (Some(1), ..) | (None, Some(_), _) => " on one row".to_owned(),
        (Some(rows), ..) => format!(" on a batch of {} rows", grouped(rows as u64)),
        (None, None, Some(export)) => format!(" in `{export}`"),
        (None, None, None) => String::new(),
    };
    format!("`{}` {what}{rows}", name(case.step))
}

/// The explanation as a compiler would print it, several lines without a line break at the end.
impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "error[{}]: {}", self.kind.name(), self.headline)?;
        if let Some(frame) = &self.at {
            match &frame.location {
                Some(location) => {
                    write!(formatter, "\n  --> {location} in {}", frame.short_name())?;
                }
                None => write!(formatter, "\n  --> in {}", frame.function)?,
            }
            for caller in &self.called_by {
                match &caller.location {
                    Some(location) => {
                        write!(
                            formatter,
                            "\n   |  called by {} ({location})",
                            caller.short_name()
                        )?;
                    }
                    None => write!(formatter, "\n   |  called by {}", caller.function)?,
                }
            }
        }
        if let Some(row) = &self.row {
            write!(formatter, "\n   = {row}")?;
        }
        if !self.plugin.is_empty() {
            write!(formatter, "\n   = plugin: {}", self.plugin)?;
        }
        write!(formatter, "\n   = cause: {}", self.cause)?;
        if let Some(fuel) = self.fuel {
            write!(formatter, "\n   = fuel: {} units", grouped(fuel))?;
        }
        if let Some(said) = &self.said {
            write!(formatter, "\n   = it last said: {said}")?;
        }
        for hint in &self.hints {
            write!(formatter, "\n   = hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ShownRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(formatter, "row {position}")?,
            None => formatter.write_str("the row")?,
        }
        if let Some(split) = &self.split {
            write!(formatter, " of split {split}")?;
        }
        for (position, (column, value)) in self.values.iter().enumerate() {
            let separator = if position == 0 { ": " } else { ", " };
            write!(formatter, "{separator}{column} = {value}")?;
        }
        match self.more_columns {
            0 => Ok(()),
            1 => formatter.write_str(", and 1 more column"),
            more => write!(formatter, ", and {more} more columns"),
        }
    }
}

#[cfg(test)]
mod tests;
