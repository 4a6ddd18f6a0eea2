//! Everything that a cassette holds beside rows: plain data, as it is written as JSON.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use wasmill_sandbox::component::PluginKind;
use wasmill_sandbox::engine::Profile;
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::limits::Limits;

use crate::cassette::outcome::Outcome;
use crate::cassette::playback::RecordedExchange;
use crate::error::chain;

/// Everything but the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub format: u32,
    /// Which version of Wasmill recorded.
    pub wasmill: String,
    /// Which version of wasmtime: another one may use other fuel.
    pub wasmtime: String,
    /// The component's digest, such as `sha256:…`.
    pub component: String,
    /// `transformer` or `validator`.
    pub kind: String,
    pub pipeline: String,
    pub step: String,
    pub run: String,
    pub split: String,
    pub attempt: String,
    /// As it is written in the pipeline file, with its references to secrets.
    pub config: Map<String, Value>,
    pub limits: RecordedLimits,
    /// `metered` or `guarded`.
    pub profile: String,
    pub grants: RecordedGrants,
    /// Of virtual randomness.
    pub seed: u64,
    /// Where virtual clocks start: since 1970-01-01T00:00:00Z.
    pub start_time: Duration,
    /// What was asked for over HTTP while the instance was opened.
    pub open_http: Vec<RecordedExchange>,
    /// The calls, in order. The last one is the one that failed in the run.
    pub calls: Vec<CallHeader>,
    /// The SHA-256 of the rows, to tell a damaged file.
    pub rows: String,
    /// What the run saw.
    pub seen: Seen,
    /// What a fresh instance did with the same calls.
    pub outcome: Outcome,
    /// Rows of the last call that failed by themselves in the run.
    pub blamed: Vec<Blamed>,
    /// Of a cassette that was made from another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Shrunk>,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallHeader {
    /// `process`, `check` or `finish`.
    pub export: String,
    /// The position of the first row in all that the step sees in the task.
    pub first_row: u64,
    pub rows: usize,
    /// What was asked for over HTTP, in order.
    pub http: Vec<RecordedExchange>,
}

/// The fault as the run saw it, on an instance that may have worked before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub kind: FaultKind,
    pub message: String,
    pub fuel: u64,
}

impl Seen {
    pub(super) fn new(fault: &Fault, fuel: u64) -> Self {
        Self { kind: fault.kind(), message: chain(fault), fuel }
    }
}

/// A row that made the plugin fail by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blamed {
    /// In the last call, counted from 0.
    pub row: usize,
    pub kind: FaultKind,
    pub message: String,
}

/// Where a smaller cassette comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shrunk {
    /// The name of the file.
    pub from: String,
    /// How many calls and rows it had.
    pub calls: usize,
    pub rows: usize,
}

/// The limits of a step: those of [`Limits`] for one instance, by the same names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedLimits {
    pub fuel_per_row: u64,
    pub fuel_per_call: u64,
    pub deadline: Duration,
    pub memory: u64,
    pub output_rows_per_row: u64,
    pub output_bytes: u64,
    pub log_bytes: u64,
}

impl From<&Limits> for RecordedLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            fuel_per_row: limits.fuel_per_row,
            fuel_per_call: limits.fuel_per_call,
            deadline: limits.deadline,
            memory: limits.memory,
            output_rows_per_row: limits.output_rows_per_row,
            output_bytes: limits.output_bytes,
            log_bytes: limits.log_bytes,
        }
    }
}

impl RecordedLimits {
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            fuel_per_row: self.fuel_per_row,
            fuel_per_call: self.fuel_per_call,
            deadline: self.deadline,
            memory: self.memory,
            output_rows_per_row: self.output_rows_per_row,
            output_bytes: self.output_bytes,
            log_bytes: self.log_bytes,
            ..Limits::default()
        }
    }
}

/// What the step was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedGrants {
    /// The names of connections.
    pub http: BTreeSet<String>,
    pub real_clocks: bool,
    pub real_randomness: bool,
    pub pure: bool,
}

impl Header {
    /// The kind of the component.
    pub fn plugin_kind(&self) -> Option<PluginKind> {
        PluginKind::ALL.into_iter().find(|kind| kind.name() == self.kind)
    }

    /// What stops the plugin.
    pub fn plugin_profile(&self) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.name() == self.profile)
    }
}
