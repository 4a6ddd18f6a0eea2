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

use crate::limits::Limits;
use crate::memory::MemoryExceeded;

/// How many frames of a guest's stack are kept.
const MAX_FRAMES: usize = 24;

/// Why a call into a plugin failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The guest executed an instruction that traps: mostly a panic or an abort.
    #[error("`{export}` trapped: {cause}")]
    Trap {
        export: &'static str,
        cause: String,
        /// Functions of the guest, innermost first.
        stack: Vec<String>,
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
    Stack { export: &'static str },
    #[error("`{export}` returned more than {limit} bytes (limit output_bytes)")]
    OutputBytes { export: &'static str, limit: u64 },
    /// What the guest returned is not what the contract allows.
    #[error("`{export}` broke the contract: {breach}")]
    Contract { export: &'static str, breach: Breach },
    /// The plugin itself says that the call failed.
    #[error("`{export}` failed: {failure}")]
    Failure { export: &'static str, failure: Failure },
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
            Self::Busy => FaultKind::Busy,
            Self::Unrepeatable { .. } => FaultKind::Unrepeatable,
            Self::Gone { .. } | Self::Host { .. } => FaultKind::Host,
        }
    }

    /// The fault with what is known beside: what the guest last said, and where it was.
    pub fn explained(&self) -> String {
        const SHOWN_FRAMES: usize = 3;
        let mut text = self.to_string();
        if let Self::Trap { stack, last_words, .. } = self {
            if let Some(last) = last_words.last() {
                text.push_str(&format!("; it last said: {last}"));
            }
            if !stack.is_empty() {
                let frames: Vec<&str> =
                    stack.iter().take(SHOWN_FRAMES).map(String::as_str).collect();
                text.push_str(&format!(" (in {})", frames.join(" < ")));
            }
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
        if error.downcast_ref::<DeadlinePassed>().is_some() {
            return Self::Deadline { export, deadline: limits.deadline };
        }
        if error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some() {
            return Self::Busy;
        }
        let stack = error.downcast_ref::<WasmBacktrace>().map(stack).unwrap_or_default();
        let trapped =
            |cause: String| Self::Trap { export, cause, stack: stack.clone(), last_words };
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return Self::Fuel { export, budget },
            Some(Trap::Interrupt) => return Self::Deadline { export, deadline: limits.deadline },
            Some(Trap::StackOverflow) => return Self::Stack { export },
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

fn stack(backtrace: &WasmBacktrace) -> Vec<String> {
    backtrace
        .frames()
        .iter()
        .take(MAX_FRAMES)
        .map(|frame| match frame.func_name() {
            Some(name) => bounded_text(format!("{:#}", rustc_demangle::demangle(name))),
            None => format!("function {}", frame.func_index()),
        })
        .collect()
}
