//! Trying again what failed by chance: with exponential back-off and full jitter, bounded in number and in time.
//!
//! ```text
//!   wait before attempt n + 1:   random(0 ..= min(max, base · 2ⁿ⁻¹)),   or what the other side asked for
//!   given up:                    after `attempts`, or when the next attempt would begin later than `total` after the first
//! ```
//!
//! Full jitter spreads those who failed together over the whole interval:
//! <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>. A cause that is not chance is never
//! tried again: the same call would fail in the same way.

use std::time::{Duration, Instant};

/// How often, and after which waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often in all, the first time included.
    pub attempts: u32,
    /// The longest wait before the second attempt; it doubles with each.
    pub base: Duration,
    /// No wait that the host chooses is longer.
    pub max: Duration,
    /// No attempt begins later than this after the first one began.
    pub total: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(500),
            max: Duration::from_secs(30),
            total: Duration::from_secs(600),
        }
    }
}

/// The attempts at one operation.
#[derive(Debug)]
pub struct Retry {
    policy: RetryPolicy,
    began: Instant,
    /// The number of the attempt that is being made, from 1 on.
    attempt: u32,
}

/// What failed, as far as trying again is concerned.
pub trait Retryable {
    /// Whether the same operation may go well when it is repeated.
    fn is_chance(&self) -> bool;

    /// How long the other side asks to wait, where it does.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

impl RetryPolicy {
    /// Begins with the first attempt.
    pub fn start(self) -> Retry {
        self.started_at(Instant::now())
    }

    /// With a first attempt that began at this time.
    pub fn started_at(self, began: Instant) -> Retry {
        Retry { policy: self, began, attempt: 1 }
    }

    /// Does something until it goes well, fails for a cause that is no chance, or is given up.
    ///
    /// # Errors
    ///
    /// What the last attempt failed with.
    pub async fn run<T, E: Retryable, F: Future<Output = Result<T, E>>>(
        self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, E> {
        let mut retry = self.start();
        loop {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            match retry.wait_after(&error) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }
}

impl Retry {
    /// How long to wait before the next attempt; none when there is none.
    pub fn wait_after(&mut self, error: &impl Retryable) -> Option<Duration> {
        if !error.is_chance() {
            return None;
        }
        self.wait(error.retry_after(), self.began.elapsed(), random())
    }

    /// The same, by the clock and the chance that are given: `random` is from 0 to 1.
    fn wait(
        &mut self,
        asked: Option<Duration>,
        elapsed: Duration,
        random: f64,
    ) -> Option<Duration> {
        if self.attempt >= self.policy.attempts {
            return None;
        }
        let doublings = 2_u32.saturating_pow(self.attempt - 1);
        let ceiling = self.policy.base.saturating_mul(doublings).min(self.policy.max);
        // Whoever asks for time knows better than a formula.
        let wait = asked.unwrap_or_else(|| ceiling.mul_f64(random));
        if elapsed.saturating_add(wait) > self.policy.total {
            return None;
        }
        self.attempt += 1;
        Some(wait)
    }
}

fn random() -> f64 {
    uuid::Uuid::new_v4().as_u128() as f64 / u128::MAX as f64
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::ready;

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 6,
        base: Duration::from_millis(100),
        max: Duration::from_secs(1),
        total: Duration::from_secs(60),
    };

    struct Failure {
        is_chance: bool,
        after: Option<Duration>,
    }

    impl Retryable for Failure {
        fn is_chance(&self) -> bool {
            self.is_chance
        }

        fn retry_after(&self) -> Option<Duration> {
            self.after
        }
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut retry = POLICY.start();
        let waits: Vec<u128> = std::iter::from_fn(|| retry.wait(None, Duration::ZERO, 1.0))
            .map(|wait| wait.as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000]);
        assert_eq!(retry.attempt, 6);
    }

    #[test]
    fn jitter_reaches_over_the_whole_interval() {
        let wait = |random| POLICY.start().wait(None, Duration::ZERO, random).unwrap();
        assert_eq!((wait(0.0).as_millis(), wait(0.5).as_millis()), (0, 50));
        let drawn: Vec<f64> = (0..1_000).map(|_| random()).collect();
        assert!(drawn.iter().all(|random| (0.0..=1.0).contains(random)));
        assert!(
            drawn.iter().any(|random| *random < 0.1) && drawn.iter().any(|random| *random > 0.9)
        );
    }

    #[test]
    fn who_asks_for_time_gets_it_within_the_total() {
        let asked = |seconds| Some(Duration::from_secs(seconds));
        let mut retry = POLICY.start();
        assert_eq!(retry.wait(asked(20), Duration::ZERO, 1.0), asked(20));
        assert_eq!(retry.wait(asked(40), Duration::from_secs(20), 1.0), asked(40));
        assert_eq!(retry.wait(asked(1), Duration::from_secs(60), 1.0), None);
        assert_eq!(retry.attempt, 3, "an attempt that is not made does not count");
    }

    #[tokio::test]
    async fn only_chance_is_tried_again() {
        let policy = RetryPolicy { base: Duration::ZERO, ..POLICY };
        for (is_chance, expected) in [(true, 6), (false, 1)] {
            let calls = Cell::new(0);
            let failed = policy.run(|| {
                calls.set(calls.get() + 1);
                ready(Err::<(), _>(Failure { is_chance, after: None }))
            });
            assert!(failed.await.is_err());
            assert_eq!(calls.get(), expected);
        }
        let calls = Cell::new(0);
        let third = policy.run(|| {
            calls.set(calls.get() + 1);
            let failure = Failure { is_chance: true, after: None };
            ready(if calls.get() == 3 { Ok(calls.get()) } else { Err(failure) })
        });
        assert!(matches!(third.await, Ok(3)));
    }
}
