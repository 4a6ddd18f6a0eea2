//! Virtual clocks: time that does not depend on when a plugin runs.
//!
//! The wall clock starts at the start of the run and moves by one microsecond with each reading; the monotonic
//! clock likewise from 0. Both are set back at the start of each call, so a batch that is
//! processed again sees the same times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

const TICK: Duration = Duration::from_micros(1);

/// The time of one instance; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct VirtualTime {
    /// Since 1970-01-01T00:00:00Z.
    start: Duration,
    readings: Arc<AtomicU64>,
}

impl VirtualTime {
    pub(crate) fn new(start: Duration) -> Self {
        Self { start, readings: Arc::default() }
    }

    /// Sets the clocks back to the start.
    pub(crate) fn reset(&self) {
        self.readings.store(0, Ordering::Relaxed);
    }

    fn elapsed(&self) -> Duration {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed);
        TICK.saturating_mul(u32::try_from(reading).unwrap_or(u32::MAX))
    }
}

impl HostWallClock for VirtualTime {
    fn resolution(&self) -> Duration {
        TICK
    }

    fn now(&self) -> Duration {
        self.start + self.elapsed()
    }
}

impl HostMonotonicClock for VirtualTime {
    fn resolution(&self) -> u64 {
        TICK.as_nanos() as u64
    }

    fn now(&self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
