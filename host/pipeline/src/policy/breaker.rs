//! Circuit breakers: a step that fails again and again is left alone for a while.
//!
//! ```text
//!            failure rate over the window                 `open_for` has passed
//!   closed ───────────────────────────────▶ open ───────────────────────────────▶ half-open: one batch, on a fresh instance
//!     ▲                                      ▲                                        │
//!     │                                      └───────────── it fails ─────────────────┤
//!     └──────────────────────────────────────────────────── it goes well ─────────────┘
//! ```
//!
//! A batch fails when any call on it does, whether rows were found that are to blame or not. All tasks of a run share the
//! breaker of a step. What becomes of batches meanwhile is said by [`OnOpen`].

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;

/// When a breaker opens, and what happens then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerPolicy {
    /// How many of the last batches are looked at; before there are as many, the breaker stays closed.
    pub window: usize,
    /// From which share of them on, from 0 to 1, the breaker opens.
    pub failure_rate: f64,
    /// How long it is open before one batch is tried.
    pub open_for: Duration,
    /// How many such tries may fail in a row before the run fails.
    pub probes: u32,
    pub on_open: OnOpen,
}

/// What becomes of batches while a breaker is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnOpen {
    /// They wait.
    #[default]
    Pause,
    /// The run fails.
    Fail,
    /// Their rows go to the quarantine.
    Divert,
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerState {
    Closed,
    Open,
    HalfOpen,
    /// Too many tries have failed.
    GivenUp,
}

impl BreakerState {
    /// Such as `half-open`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::GivenUp => "given-up",
        }
    }
}

/// What became of a breaker in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerReport {
    pub step: String,
    pub state: BreakerState,
    /// How often it opened, tries that failed included.
    pub opened: u64,
    /// Batches whose rows went to the quarantine without a call.
    pub diverted: u64,
}

/// A breaker has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) step: String,
    pub(crate) state: BreakerState,
    /// What led to it.
    pub(crate) message: String,
}

/// Is told of each change. Must be quick and must not block.
pub(crate) type OnTransition = Arc<dyn Fn(Transition) + Send + Sync>;

/// A breaker that is open, where the policy says that the run fails then, or that was given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its breaker is open: {reason}")]
pub struct BreakerOpen {
    pub reason: String,
}

/// The breaker of one step in one run.
pub(crate) struct Breaker {
    step: String,
    policy: BreakerPolicy,
    on_transition: OnTransition,
    inner: Mutex<Inner>,
    changed: Notify,
}

struct Inner {
    state: State,
    /// Why it opened last.
    reason: String,
    opened: u64,
    diverted: u64,
}

enum State {
    /// How the last batches ended, oldest first: whether they failed.
    Closed {
        window: VecDeque<bool>,
    },
    Open {
        until: Instant,
        failed_probes: u32,
    },
    HalfOpen {
        failed_probes: u32,
    },
    GivenUp,
}

impl State {
    fn name(&self) -> BreakerState {
        match self {
            Self::Closed { .. } => BreakerState::Closed,
            Self::Open { .. } => BreakerState::Open,
            Self::HalfOpen { .. } => BreakerState::HalfOpen,
            Self::GivenUp => BreakerState::GivenUp,
        }
    }
}

/// What may be done with a batch.
pub(crate) enum Admission<'a> {
    /// It may go through the plugin.
    Call(Permit<'a>),
    /// Its rows go to the quarantine, because of this.
    Divert(String),
}

/// A batch that goes through the plugin. Dropped without a word, as by a task that is stopped, it says nothing about the
/// plugin; a try that ends so is made again.
pub(crate) struct Permit<'a> {
    /// None where there is no breaker.
    breaker: Option<&'a Breaker>,
    pub(crate) is_probe: bool,
    is_reported: bool,
}

impl Breaker {
    pub(crate) fn new(step: &str, policy: BreakerPolicy, on_transition: OnTransition) -> Self {
        let state = State::Closed { window: VecDeque::with_capacity(policy.window) };
        Self {
            step: step.to_owned(),
            policy,
            on_transition,
            inner: Mutex::new(Inner { state, reason: String::new(), opened: 0, diverted: 0 }),
            changed: Notify::new(),
        }
    }

    /// Waits until a batch may go on.
    ///
    /// # Errors
    ///
    /// When the run is to fail.
    pub(crate) async fn admit(&self) -> Result<Admission<'_>, BreakerOpen> {
        loop {
            // Listens before it looks, so that no change is missed.
            let changed = self.changed.notified();
            let until = {
                let mut inner = self.lock();
                match &inner.state {
                    State::Closed { .. } => return Ok(Admission::Call(self.permit(false))),
                    State::GivenUp => return Err(BreakerOpen { reason: inner.reason.clone() }),
                    State::Open { until, failed_probes } if Instant::now() >= *until => {
                        inner.state = State::HalfOpen { failed_probes: *failed_probes };
                        self.tell(BreakerState::HalfOpen, "the next batch is tried".to_owned());
                        return Ok(Admission::Call(self.permit(true)));
                    }
                    State::Open { until, .. } => match self.policy.on_open {
                        OnOpen::Pause => Some(*until),
                        _ => return self.turn_away(&mut inner),
                    },
                    State::HalfOpen { .. } => match self.policy.on_open {
                        OnOpen::Pause => None,
                        _ => return self.turn_away(&mut inner),
                    },
                }
            };
            match until {
                Some(until) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(until) => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    fn turn_away(&self, inner: &mut Inner) -> Result<Admission<'_>, BreakerOpen> {
        let reason = inner.reason.clone();
        if self.policy.on_open == OnOpen::Fail {
            return Err(BreakerOpen { reason });
        }
        inner.diverted += 1;
        Ok(Admission::Divert(reason))
    }

    fn permit(&self, is_probe: bool) -> Permit<'_> {
        Permit { breaker: Some(self), is_probe, is_reported: false }
    }

    /// What became of it so far.
    pub(crate) fn report(&self) -> BreakerReport {
        let inner = self.lock();
        BreakerReport {
            step: self.step.clone(),
            state: inner.state.name(),
            opened: inner.opened,
            diverted: inner.diverted,
        }
    }

    /// A batch has ended: with the failure, if there was one.
    fn ended(&self, is_probe: bool, failure: Option<&str>) {
        let mut inner = self.lock();
        match (&mut inner.state, failure) {
            (State::Closed { window }, _) if !is_probe => {
                if window.len() == self.policy.window {
                    window.pop_front();
                }
                window.push_back(failure.is_some());
                let failed = window.iter().filter(|failed| **failed).count();
                let share = failed as f64 / self.policy.window as f64;
                if window.len() == self.policy.window
                    && share >= self.policy.failure_rate
                    && let Some(failure) = failure
                {
                    let all = self.policy.window;
                    let reason =
                        format!("{failed} of the last {all} batches failed, last: {failure}");
                    self.open(&mut inner, 0, reason);
                }
            }
            (State::HalfOpen { .. }, None) if is_probe => {
                inner.state = State::Closed { window: VecDeque::with_capacity(self.policy.window) };
                self.tell(BreakerState::Closed, "a batch went well".to_owned());
                self.changed.notify_waiters();
            }
            (State::HalfOpen { failed_probes }, Some(failure)) if is_probe => {
                let failed = *failed_probes + 1;
                let reason = format!("try {failed} of {} failed: {failure}", self.policy.probes);
                self.open(&mut inner, failed, reason);
            }
            // Batches that had begun before the breaker opened say nothing new.
            _ => {}
        }
    }

    fn open(&self, inner: &mut Inner, failed_probes: u32, reason: String) {
        inner.opened += 1;
        inner.reason.clone_from(&reason);
        inner.state = if failed_probes >= self.policy.probes {
            State::GivenUp
        } else {
            State::Open { until: Instant::now() + self.policy.open_for, failed_probes }
        };
        self.tell(inner.state.name(), reason);
        self.changed.notify_waiters();
    }

    fn tell(&self, state: BreakerState, message: String) {
        (self.on_transition)(Transition { step: self.step.clone(), state, message });
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Of a step without a breaker.
    pub(crate) fn free() -> Self {
        Self { breaker: None, is_probe: false, is_reported: false }
    }

    /// The batch has ended: with the failure, if there was one.
    pub(crate) fn ended(mut self, failure: Option<&str>) {
        self.is_reported = true;
        if let Some(breaker) = self.breaker {
            breaker.ended(self.is_probe, failure);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(breaker) = self.breaker.filter(|_| self.is_probe && !self.is_reported) else {
            return;
        };
        let mut inner = breaker.lock();
        if let State::HalfOpen { failed_probes } = inner.state {
            inner.state = State::Open { until: Instant::now(), failed_probes };
            breaker.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn breaker(on_open: OnOpen, open_for: Duration) -> (Breaker, Arc<Mutex<Vec<BreakerState>>>) {
        let policy = BreakerPolicy { window: 4, failure_rate: 0.5, open_for, probes: 2, on_open };
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::clone(&told);
        let on_transition =
            Arc::new(move |change: Transition| telling.lock().unwrap().push(change.state));
        (Breaker::new("step", policy, on_transition), told)
    }

    /// Whether it was a try.
    async fn batch(breaker: &Breaker, failure: Option<&str>) -> Result<bool, BreakerOpen> {
        match breaker.admit().await? {
            Admission::Call(permit) => {
                let is_probe = permit.is_probe;
                permit.ended(failure);
                Ok(is_probe)
            }
            Admission::Divert(reason) => Err(BreakerOpen { reason }),
        }
    }

    async fn opened(on_open: OnOpen, open_for: Duration) -> Breaker {
        let (breaker, _) = breaker(on_open, open_for);
        for _ in 0..4 {
            batch(&breaker, Some("broken")).await.unwrap();
        }
        assert_eq!(breaker.report().state, BreakerState::Open);
        breaker
    }

    #[tokio::test]
    async fn it_opens_at_the_rate_over_a_full_window_and_closes_after_a_batch_that_goes_well() {
        let open_for = Duration::from_millis(30);
        let (breaker, told) = breaker(OnOpen::Pause, open_for);
        for failure in [Some("a"), Some("a"), None] {
            assert_eq!(batch(&breaker, failure).await, Ok(false));
        }
        assert_eq!(breaker.report().state, BreakerState::Closed, "the window is not full");
        for failure in [None, None, Some("b")] {
            assert_eq!(batch(&breaker, failure).await, Ok(false));
        }
        assert_eq!(breaker.report().state, BreakerState::Closed, "a quarter failed");
        assert_eq!(batch(&breaker, Some("c")).await, Ok(false));
        assert_eq!(breaker.report().state, BreakerState::Open);
        // The next batch waits, and is the try.
        let began = Instant::now();
        assert_eq!(batch(&breaker, None).await, Ok(true));
        assert!(began.elapsed() >= open_for - Duration::from_millis(1));
        assert_eq!(batch(&breaker, Some("d")).await, Ok(false), "the window is a new one");
        let states = [BreakerState::Open, BreakerState::HalfOpen, BreakerState::Closed];
        assert_eq!(*told.lock().unwrap(), states);
        assert_eq!(breaker.report().opened, 1);
    }

    #[tokio::test]
    async fn it_is_given_up_after_so_many_tries() {
        let breaker = opened(OnOpen::Pause, Duration::ZERO).await;
        assert_eq!(batch(&breaker, Some("still broken")).await, Ok(true));
        assert_eq!(batch(&breaker, Some("still broken")).await, Ok(true));
        let given_up = batch(&breaker, None).await.unwrap_err();
        assert_eq!(given_up.to_string(), "its breaker is open: try 2 of 2 failed: still broken");
        assert_eq!(breaker.report().state, BreakerState::GivenUp);
        assert_eq!(breaker.report().opened, 3);
    }

    #[tokio::test]
    async fn it_fails_or_diverts_where_the_policy_says_so() {
        let breaker = opened(OnOpen::Fail, HOUR).await;
        let failed = batch(&breaker, None).await.unwrap_err();
        assert_eq!(failed.reason, "4 of the last 4 batches failed, last: broken");
        let breaker = opened(OnOpen::Divert, HOUR).await;
        for _ in 0..3 {
            assert!(matches!(breaker.admit().await, Ok(Admission::Divert(_))));
        }
        assert_eq!(breaker.report().diverted, 3);
        let breaker = opened(OnOpen::Divert, Duration::ZERO).await;
        assert_eq!(batch(&breaker, None).await, Ok(true));
        assert_eq!(batch(&breaker, None).await, Ok(false));
    }

    #[tokio::test]
    async fn one_batch_is_tried_while_the_others_wait() {
        let breaker = Arc::new(opened(OnOpen::Pause, Duration::ZERO).await);
        let Ok(Admission::Call(probe)) = breaker.admit().await else { panic!("one is tried") };
        assert!(probe.is_probe);
        let waiting = tokio::spawn({
            let breaker = Arc::clone(&breaker);
            async move { batch(&breaker, None).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        probe.ended(None);
        assert_eq!(waiting.await.unwrap(), Ok(false));
    }

    #[tokio::test]
    async fn a_try_that_is_stopped_is_made_again() {
        let breaker = opened(OnOpen::Pause, Duration::ZERO).await;
        drop(breaker.admit().await);
        assert_eq!(batch(&breaker, None).await, Ok(true));
    }
}
