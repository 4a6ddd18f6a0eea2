//! The sections `[retries.NAME]` and `[breakers.NAME]`, and the keys by which steps use them. Their doc comments are the
//! descriptions in `wasmill schema`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use wasmill_connect::units::TimeSpan;

use crate::policy::breaker::{BreakerPolicy, OnOpen};
use crate::policy::retry::RetryPolicy;

/// How often something that fails by chance is tried, and after which waits.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrySection {
    /// How often in all, the first time included; 1 is never again. Default: 3.
    #[schemars(range(min = 1, max = 1_000))]
    pub attempts: Option<u32>,
    /// The longest wait before the second attempt; it doubles with each attempt, and how long the wait really is, is drawn at
    /// random below that. Default: 500ms.
    pub base: Option<TimeSpan>,
    /// No wait is longer, unless the other side asked for it. Default: 30s.
    pub max: Option<TimeSpan>,
    /// No attempt begins later than this after the first. Default: 10m.
    pub total: Option<TimeSpan>,
}

impl RetrySection {
    pub(crate) fn policy(&self) -> RetryPolicy {
        let default = RetryPolicy::default();
        let time = |span: Option<TimeSpan>, default| span.map_or(default, |span| span.0);
        RetryPolicy {
            attempts: self.attempts.unwrap_or(default.attempts),
            base: time(self.base, default.base),
            max: time(self.max, default.max),
            total: time(self.total, default.total),
        }
    }
}

/// When a plugin that fails again and again is left alone, and what happens then.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakerSection {
    /// How many of the last batches are looked at. Default: 20.
    #[schemars(range(min = 1, max = 100_000))]
    pub window: Option<u32>,
    /// Opens from this share of failed batches on. Default: 0.5.
    #[schemars(range(min = 0.001, max = 1.0))]
    pub failure_rate: Option<f64>,
    /// How long it is open before one batch is tried, on a fresh instance. Default: 30s.
    pub open_for: Option<TimeSpan>,
    /// How many such tries may fail in a row before the run fails. Default: 5.
    #[schemars(range(min = 1, max = 1_000))]
    pub probes: Option<u32>,
    /// What becomes of batches meanwhile: `pause`, they wait; `fail`, the run fails; `divert`, their rows go to the quarantine.
    /// Default: pause.
    #[serde(default)]
    pub on_open: OnOpen,
}

impl BreakerSection {
    pub(crate) fn policy(&self) -> BreakerPolicy {
        BreakerPolicy {
            window: self.window.unwrap_or(20) as usize,
            failure_rate: self.failure_rate.unwrap_or(0.5),
            open_for: self.open_for.map_or(Duration::from_secs(30), |span| span.0),
            probes: self.probes.unwrap_or(5),
            on_open: self.on_open,
        }
    }
}

/// The key of everything that can be tried again.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Retried {
    /// The name of a policy in `[retries]`. Default: that of `pipeline.retry`.
    pub retry: Option<String>,
}

/// The key of plugins that batches go through.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct Broken {
    /// The name of a policy in `[breakers]`. Default: none.
    pub breaker: Option<String>,
}
