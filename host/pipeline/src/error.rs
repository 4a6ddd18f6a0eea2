//! Why a step failed, by whose fault it is, and how that travels through DataFusion.

use std::sync::Arc;
use std::time::Duration;

use datafusion::error::DataFusionError;
use wasmill_connect::error::ConnectError;
use wasmill_sandbox::contract::failure::Failure;
use wasmill_sandbox::fault::{Fault, FaultKind};

use crate::policy::breaker::BreakerOpen;
use crate::policy::retry::Retryable;

/// Why a step of a task failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A plugin failed, and not because of a row that could be set aside.
    #[error("step `{step}`, split {split}: the plugin failed: {}", fault.explained())]
    Plugin { step: String, split: String, fault: Fault },
    /// A source or a sink failed.
    #[error("step `{step}`, split {split}")]
    Connector {
        step: String,
        split: String,
        #[source]
        source: ConnectError,
    },
    /// A row was found wrong, and the pipeline file says that the run fails then.
    #[error(
        "step `{step}`, split {split}, row {}: {rule}: {message}",
        .position.map_or("?".to_owned(), |position| position.to_string())
    )]
    RowRefused { step: String, split: String, position: Option<u64>, rule: String, message: String },
    /// A query failed.
    #[error("step `{step}`: the query failed: {message}")]
    Sql { step: String, message: String },
    /// A query needs more memory than it may use, and cannot spill.
    #[error("step `{step}`: the query needs more memory: {message}")]
    QueryMemory { step: String, message: String },
    /// A plugin has failed so often that it is left alone.
    #[error("step `{step}`, split {split}: {source}")]
    BreakerOpen {
        step: String,
        split: String,
        #[source]
        source: BreakerOpen,
    },
    /// A mistake of the host.
    #[error("step `{step}`, split {split}: {message}")]
    Host { step: String, split: String, message: String },
}

impl Retryable for StepError {
    /// Whether another attempt at the split may succeed.
    fn is_chance(&self) -> bool {
        match self {
            Self::Plugin { fault, .. } => fault.kind().is_chance(),
            Self::Connector { source, .. } => source.is_chance(),
            Self::RowRefused { .. }
            | Self::Sql { .. }
            | Self::QueryMemory { .. }
            | Self::BreakerOpen { .. }
            | Self::Host { .. } => false,
        }
    }

    /// How long to wait before another attempt, where the plugin said so.
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Plugin { fault, .. } => retry_after(fault),
            _ => None,
        }
    }
}

impl StepError {
    /// The step that failed.
    pub fn step(&self) -> &str {
        match self {
            Self::Plugin { step, .. }
            | Self::Connector { step, .. }
            | Self::RowRefused { step, .. }
            | Self::Sql { step, .. }
            | Self::QueryMemory { step, .. }
            | Self::BreakerOpen { step, .. }
            | Self::Host { step, .. } => step,
        }
    }

    /// What a person can do, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Plugin { fault, step, .. } => match fault.kind() {
                FaultKind::Fuel => Some(format!(
                    "if the plugin is right to take that much, raise fuel_per_row or fuel_per_call in the limits of `{step}`"
                )),
                FaultKind::Deadline => Some(format!(
                    "if the plugin is right to take that long, raise deadline in the limits of `{step}`"
                )),
                FaultKind::Memory => Some(format!(
                    "if the plugin is right to need that much, raise memory in the limits of `{step}`"
                )),
                FaultKind::Busy if matches!(fault, Fault::Crowded { .. }) => {
                    Some("raise pipeline.memory, or lower pipeline.workers".to_owned())
                }
                FaultKind::OutputBytes => Some(format!(
                    "raise output_bytes in the limits of `{step}`, or lower pipeline.batch_rows"
                )),
                _ => None,
            },
            Self::Connector { source: ConnectError::Changed { .. }, .. } => Some(
                "put the file back as it was; or run again, and all files are read as they are now"
                    .to_owned(),
            ),
            Self::RowRefused { .. } => Some(
                "on_bad_row or on_violation = \"quarantine\" would keep the row aside".to_owned(),
            ),
            Self::QueryMemory { .. } => Some("raise pipeline.memory".to_owned()),
            Self::BreakerOpen { step, .. } => Some(format!(
                "mend what `{step}` fails with, or change its breaker: on_open = \"divert\" would keep the rows aside"
            )),
            _ => None,
        }
    }

    /// The exit code (sysexits) that says what is to be done.
    pub fn exit_code(&self) -> u8 {
        match self {
            // The data is not what was planned.
            Self::RowRefused { .. }
            | Self::Connector { source: ConnectError::Changed { .. }, .. } => 65,
            Self::Plugin { fault, .. } => match fault.kind() {
                FaultKind::Retryable | FaultKind::Busy => 75,
                _ => 70,
            },
            Self::Connector { source, .. } => {
                if source.is_chance() {
                    75
                } else {
                    74
                }
            }
            Self::Sql { .. } => 65,
            Self::QueryMemory { .. } | Self::BreakerOpen { .. } | Self::Host { .. } => 70,
        }
    }
}

/// How long a plugin asks to wait before another attempt, where it does.
pub(crate) fn retry_after(fault: &Fault) -> Option<Duration> {
    match fault {
        Fault::Failure { failure: Failure::Retryable { after, .. }, .. } => *after,
        _ => None,
    }
}

impl Retryable for Fault {
    fn is_chance(&self) -> bool {
        self.kind().is_chance()
    }

    fn retry_after(&self) -> Option<Duration> {
        retry_after(self)
    }
}

impl Retryable for ConnectError {
    fn is_chance(&self) -> bool {
        Self::is_chance(self)
    }
}

/// A step's error inside of a DataFusion error, which may be handed to several readers.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
struct Shared(Arc<StepError>);

impl From<StepError> for DataFusionError {
    fn from(error: StepError) -> Self {
        Self::External(Box::new(Shared(Arc::new(error))))
    }
}

/// The step's error inside of a DataFusion error; an error of a query where there is none.
pub fn step_error(step: &str, error: &DataFusionError) -> Arc<StepError> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(shared) = current.downcast_ref::<Shared>() {
            return Arc::clone(&shared.0);
        }
        let inner = match current.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(external)) => Some(&**external as _),
            Some(DataFusionError::Shared(shared)) => Some(&**shared as _),
            Some(DataFusionError::Context(_, inner)) => Some(&**inner as _),
            _ => None,
        };
        cause = inner.or_else(|| current.source());
    }
    let (step, message) = (step.to_owned(), error.strip_backtrace());
    Arc::new(match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => StepError::QueryMemory { step, message },
        _ => StepError::Sql { step, message },
    })
}

/// An error with its causes, as one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some libraries print their cause themselves.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_error_is_found_however_deep_it_is() {
        let error = || {
            DataFusionError::from(StepError::Host {
                step: "a".to_owned(),
                split: "s".to_owned(),
                message: "broken".to_owned(),
            })
        };
        for wrapped in [
            error(),
            error().context("while doing"),
            DataFusionError::Shared(Arc::new(error().context("while doing"))),
            DataFusionError::ArrowError(
                Box::new(arrow::error::ArrowError::ExternalError(Box::new(error()))),
                None,
            ),
        ] {
            let found = step_error("x", &wrapped);
            assert!(
                matches!(&*found, StepError::Host { message, .. } if message == "broken"),
                "{wrapped:?}"
            );
        }
    }
}
