//! What happens when something fails that is no row's fault: how often it is tried again, and when it is left alone.
//!
//! Policies are objects of the pipeline file, with names, used by any number of steps ([`crate::file::policies`]). A retry
//! policy is about one operation that fails by chance; a breaker is about a step that fails again and again, whatever the cause.

pub mod breaker;
pub mod retry;

use std::collections::BTreeMap;

use self::breaker::BreakerPolicy;
use self::retry::RetryPolicy;

/// The policies of all steps, sinks and notifiers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies {
    /// For whatever names none.
    pub(crate) retry: RetryPolicy,
    pub(crate) retries: BTreeMap<String, RetryPolicy>,
    pub(crate) breakers: BTreeMap<String, BreakerPolicy>,
}

impl Policies {
    /// How often a step, a sink or a notifier is tried. Notifiers have names of their own: [`notifier_key`].
    pub(crate) fn retry(&self, step: &str) -> &RetryPolicy {
        self.retries.get(step).unwrap_or(&self.retry)
    }
}

/// The name of a notifier among those of steps, which it may share.
pub(crate) fn notifier_key(notifier: &str) -> String {
    format!("notifiers.{notifier}")
}
