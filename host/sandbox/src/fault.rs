//! What can go wrong in a call into a plugin, each cause with its name.
//!
//! After every fault but [`Fault::Failure`] the instance is gone: a trapped, timed-out or cancelled
//! WebAssembly instance cannot be entered again.

use std::time::Duration;

use wasmtime::{Trap, WasmBacktrace};

use wasmill_contract::binding::BindingBreach;
use wasmill_contract::extracted::ExtractBreach;
use wasmill_contract::failure::Failure;
use wasmill_contract::finding::{FindingBreach, bounded_text};
use wasmill_contract::lower::LowerError;
use wasmill_contract::processed::OutputBreach;
use wasmill_contract::receipt::ReceiptBreach;

use crate::frames::{Frame, culprit, frames};
use crate::limits::Limits;
use crate::memory::{BudgetExhausted, MemoryExceeded};

/// Why a call into a plugin failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The guest executed an instruction that traps: mostly a panic or an abort.
    #[error("`{export}` trapped: {cause}")]
    Trap {
        export: &'static str,
        cause: String,
        /// Functions of the guest, innermost first.
        stack: Vec<Frame>,
        /// What the guest last wrote to its log, a panic message for one.
        last_words: Vec<String>,
    },
    #[error("`{export}` used up its fuel: {budget} units (limits fuel_per_call, fuel_per_row)")]
    Fuel { export: &'static str, budget: u64 },
    #[error("`{export}` did not return within {deadline:?} (limit deadline)")]
    Deadline { export: &'static str, deadline: Duration },
    #[error(
        "`{export}` needs {requested} bytes of memory where {limit} are allowed (limit memory)"
    )]
    Memory { export: &'static str, limit: u64, requested: u64 },
    #[error("`{export}` overflowed its stack")]
    Stack {
        export: &'static str,
        /// Functions of the guest, innermost first; of what recurses, each place once.
        stack: Vec<Frame>,
    },
    #[error("`{export}` returned more than {limit} bytes (limit output_bytes)")]
    OutputBytes { export: &'static str, limit: u64 },
    /// What the guest returned is not what the contract allows.
    #[error("`{export}` broke the contract: {breach}")]
    Contract { export: &'static str, breach: Breach },
    /// The plugin itself says that the call failed.
    #[error("`{export}` failed: {failure}")]
    Failure { export: &'static str, failure: Failure },
    /// There is not enough left of the memory that is shared with others.
    #[error("no memory left for `{export}`: {reason}")]
    Crowded { export: &'static str, reason: String },
    /// There is no room for another instance at the moment.
    #[error("no free slot for another instance")]
    Busy,
    /// The instance was thrown away after an earlier fault.
    #[error("`{export}` was called on an instance that is gone")]
    Gone { export: &'static str },
    /// The plugin gave another answer to rows that it had been given before.
    #[error(
        "`{export}` does not give the same answer to the same rows: what it gathers from row to row cannot be repeated"
    )]
    Unrepeatable { export: &'static str },
    /// A mistake of the host.
    #[error("the host cannot make the call `{export}`")]
    Host {
        export: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// What was wrong with something that a plugin returned.
#[derive(Debug, thiserror::Error)]
pub enum Breach {
    #[error(transparent)]
    Binding(#[from] BindingBreach),
    #[error(transparent)]
    Output(#[from] OutputBreach),
    #[error(transparent)]
    Finding(#[from] FindingBreach),
    #[error(transparent)]
    Extract(#[from] ExtractBreach),
    #[error(transparent)]
    Receipt(#[from] ReceiptBreach),
    #[error("{0}")]
    Descriptor(String),
    /// wasmtime found a value that is none of its type: text that is not UTF-8, a list outside of memory.
    #[error("{0}")]
    Value(String),
}

/// The kinds of faults, as names to count and to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    Trap,
    Fuel,
    Deadline,
    Memory,
    Stack,
    OutputBytes,
    Contract,
    Retryable,
    Failure,
    Refused,
    Busy,
    Unrepeatable,
    Host,
}

impl FaultKind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::Trap,
        Self::Fuel,
        Self::Deadline,
        Self::Memory,
        Self::Stack,
        Self::OutputBytes,
        Self::Contract,
        Self::Retryable,
        Self::Failure,
        Self::Refused,
        Self::Busy,
        Self::Unrepeatable,
        Self::Host,
    ];

    /// The name, such as `output-bytes`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Fuel => "fuel",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Stack => "stack",
            Self::OutputBytes => "output-bytes",
            Self::Contract => "contract",
            Self::Retryable => "retryable",
            Self::Failure => "failure",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Unrepeatable => "unrepeatable",
            Self::Host => "host",
        }
    }

    /// Whether the same call may go well when repeated on a fresh instance.
    pub fn is_chance(self) -> bool {
        matches!(self, Self::Deadline | Self::Retryable | Self::Busy)
    }

    /// Whether the instance was stopped because of what its code did, rather than by its own word or by the host's state.
    pub fn ends_the_instance(self) -> bool {
        match self {
            Self::Trap
            | Self::Fuel
            | Self::Deadline
            | Self::Memory
            | Self::Stack
            | Self::OutputBytes
            | Self::Contract => true,
            Self::Retryable
            | Self::Failure
            | Self::Refused
            | Self::Busy
            | Self::Unrepeatable
            | Self::Host => false,
        }
    }

    /// Whether rows of the batch can be the cause, so that it makes sense to look for them.
    pub fn may_be_a_row(self) -> bool {
        matches!(
            self,
            Self::Trap
                | Self::Fuel
                | Self::Deadline
                | Self::Memory
                | Self::Stack
                | Self::OutputBytes
                | Self::Contract
                | Self::Failure
        )
    }
}

// Counts by kind have a place for each: a kind that is added is added to `ALL` too.
const _: () = assert!(FaultKind::Host as usize + 1 == FaultKind::ALL.len());

impl Fault {
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Trap { .. } => FaultKind::Trap,
            Self::Fuel { .. } => FaultKind::Fuel,
            Self::Deadline { .. } => FaultKind::Deadline,
            Self::Memory { .. } => FaultKind::Memory,
            Self::Stack { .. } => FaultKind::Stack,
            Self::OutputBytes { .. } => FaultKind::OutputBytes,
            Self::Contract { .. } => FaultKind::Contract,
            Self::Failure { failure: Failure::Retryable { .. }, .. } => FaultKind::Retryable,
            Self::Failure {
                failure: Failure::BadConfig { .. } | Failure::BadSchema { .. },
                ..
            } => FaultKind::Refused,
            Self::Failure { failure: Failure::Fatal(_), .. } => FaultKind::Failure,
            Self::Busy | Self::Crowded { .. } => FaultKind::Busy,
            Self::Unrepeatable { .. } => FaultKind::Unrepeatable,
            Self::Gone { .. } | Self::Host { .. } => FaultKind::Host,
        }
    }

    /// Where in the guest it happened, innermost first. Empty where that says nothing.
    pub fn stack(&self) -> &[Frame] {
        match self {
            Self::Trap { stack, .. } | Self::Stack { stack, .. } => stack,
            _ => &[],
        }
    }

    pub(crate) fn stack_mut(&mut self) -> Option<&mut Vec<Frame>> {
        match self {
            Self::Trap { stack, .. } | Self::Stack { stack, .. } => Some(stack),
            _ => None,
        }
    }

    /// What the guest last wrote to its log, oldest first. Empty where it does not matter.
    pub fn last_words(&self) -> &[String] {
        match self {
            Self::Trap { last_words, .. } => last_words,
            _ => &[],
        }
    }

    /// Which call it was, such as `process`; none where there was no room for one.
    pub fn export(&self) -> Option<&'static str> {
        match self {
            Self::Trap { export, .. }
            | Self::Fuel { export, .. }
            | Self::Deadline { export, .. }
            | Self::Memory { export, .. }
            | Self::Stack { export, .. }
            | Self::OutputBytes { export, .. }
            | Self::Contract { export, .. }
            | Self::Failure { export, .. }
            | Self::Gone { export }
            | Self::Crowded { export, .. }
            | Self::Unrepeatable { export }
            | Self::Host { export, .. } => Some(export),
            Self::Busy => None,
        }
    }

    /// The message of a panic, or else the last line that says something.
    pub fn last_said(&self) -> Option<String> {
        let says_something = |line: &&String| {
            !line.trim().is_empty() && !line.starts_with("note: run with `RUST_BACKTRACE")
        };
        let words = self.last_words();
        // How Rust begins: the message follows, in one line or several.
        let begins = |line: &String| line.starts_with("thread '") && line.contains("panicked at ");
        let message: Vec<&str> = match words.iter().rposition(begins) {
            Some(position) => {
                let lines = words[position + 1..].iter().filter(says_something);
                lines.map(String::as_str).collect()
            }
            None => words.iter().rfind(says_something).map(String::as_str).into_iter().collect(),
        };
        (!message.is_empty()).then(|| message.join(" "))
    }

    /// The fault with what is known beside: what the guest last said, and where it was.
    pub fn explained(&self) -> String {
        const SHOWN_FRAMES: usize = 3;
        let mut text = self.to_string();
        if let Some(said) = self.last_said() {
            text.push_str(&format!("; it last said: {said}"));
        }
        let stack = self.stack();
        if let Some(first) = culprit(stack) {
            let callers = stack[first + 1..].iter().filter(|frame| !frame.is_entry());
            let frames: Vec<String> = std::iter::once(&stack[first])
                .chain(callers)
                .take(SHOWN_FRAMES)
                .map(ToString::to_string)
                .collect();
            text.push_str(&format!(" (in {})", frames.join(" < ")));
        }
        text
    }

    pub(crate) fn contract(export: &'static str, breach: impl Into<Breach>) -> Self {
        Self::Contract { export, breach: breach.into() }
    }

    pub(crate) fn failure(
        export: &'static str,
        failure: wasmill_contract::bindings::types::Failure,
    ) -> Self {
        Self::Failure { export, failure: failure.into() }
    }

    pub(crate) fn lower(export: &'static str, error: LowerError) -> Self {
        Self::Host { export, source: Box::new(error) }
    }

    /// Tells the causes of a failed call apart.
    pub(crate) fn classify(
        export: &'static str,
        error: wasmtime::Error,
        budget: u64,
        limits: &Limits,
        last_words: Vec<String>,
    ) -> Self {
        if let Some(exceeded) = error.downcast_ref::<MemoryExceeded>() {
            return Self::Memory { export, limit: exceeded.limit, requested: exceeded.requested };
        }
        if let Some(exhausted) = error.downcast_ref::<BudgetExhausted>() {
            return Self::Crowded { export, reason: exhausted.reason.clone() };
        }
        if error.downcast_ref::<DeadlinePassed>().is_some() {
            return Self::Deadline { export, deadline: limits.deadline };
        }
        if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            return Self::Busy;
        }
        let stack = error.downcast_ref::<WasmBacktrace>().map(frames).unwrap_or_default();
        let trapped =
            |cause: String| Self::Trap { export, cause, stack: stack.clone(), last_words };
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return Self::Fuel { export, budget },
            Some(Trap::Interrupt) => return Self::Deadline { export, deadline: limits.deadline },
            Some(Trap::StackOverflow) => return Self::Stack { export, stack },
            Some(Trap::UnreachableCodeReached) => {
                return trapped("the guest panicked or aborted".to_owned());
            }
            Some(trap) => return trapped(trap.to_string()),
            None => {}
        }
        if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some() {
            return trapped("the guest called exit".to_owned());
        }
        let root = error.root_cause().to_string();
        // wasmtime does not export this error's type; `sandbox/tests` holds the text to its word.
        if root.contains("too much data is being copied between the host and the guest") {
            return Self::OutputBytes { export, limit: limits.output_bytes };
        }
        if stack.is_empty() {
            // Nothing of the guest was running: what it had returned could not be lifted.
            return Self::contract(export, Breach::Value(bounded_text(root)));
        }
        trapped(bounded_text(root))
    }
}

/// Raised from the epoch callback when a call has run past its deadline.
#[derive(Debug, thiserror::Error)]
#[error("deadline passed")]
pub(crate) struct DeadlinePassed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_last_said_is_the_message_of_the_panic() {
        let said = |lines: &[&str]| {
            let last_words = lines.iter().map(ToString::to_string).collect();
            let cause = String::new();
            Fault::Trap { export: "process", cause, stack: Vec::new(), last_words }.last_said()
        };
        let panicked = "thread '<unnamed>' (1) panicked at src/lib.rs:6:5:";
        let note = "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace";
        let message = "assertion `left == right` failed";
        assert_eq!(said(&["", panicked, "no such row", note]).unwrap(), "no such row");
        let lines = ["row 3", panicked, message, "  left: 1", " right: 2", note];
        assert_eq!(said(&lines).unwrap(), format!("{message}   left: 1  right: 2"));
        assert_eq!(said(&["row 3", "row 4", ""]).unwrap(), "row 4");
        assert_eq!(said(&["", note]), None);
        assert_eq!(said(&[]), None);
    }
}
