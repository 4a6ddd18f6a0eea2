//! What a plugin may use up. Every limit has a default, and every breach is reported with the limit's
//! name and value.

use std::time::Duration;

use tokio::sync::Semaphore;

/// As many as can wait.
const MAX_INSTANCES: usize = Semaphore::MAX_PERMITS;

/// The limits of one step, applied to each of its instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Fuel for each row of the batch in hand, in units of about one WebAssembly instruction.
    /// Fuel is deterministic: the same component on the same rows uses the same fuel, to the unit.
    pub fuel_per_row: u64,
    /// Fuel for each call, on top of `fuel_per_row`.
    pub fuel_per_call: u64,
    /// Wall-clock time of one call, host calls included.
    pub deadline: Duration,
    /// Bytes of all linear memories and tables of an instance together, and of what the host holds for it: batches that
    /// are encoded for it, what it returned, bodies of requests and responses.
    pub memory: u64,
    /// Output rows for each input row.
    pub output_rows_per_row: u64,
    /// Bytes that one call may return. Also what the rows of a batch may grow by when a transformer selects
    /// them several times, columns included that never enter the plugin.
    pub output_bytes: u64,
    /// Bytes of log lines of one instance, standard output and error included; each line counts for 32
    /// bytes more than its text. What is beyond is dropped and counted.
    pub log_bytes: u64,
    /// Instances of the step at once; more wait for one to end.
    pub instances: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel_per_row: 1_000_000,
            fuel_per_call: 1_000_000_000,
            deadline: Duration::from_secs(10),
            memory: 256 << 20,
            output_rows_per_row: 1_000,
            output_bytes: 64 << 20,
            log_bytes: 256 << 10,
            instances: MAX_INSTANCES,
        }
    }
}

impl Limits {
    /// The fuel of a call that processes `rows` rows.
    pub fn fuel(&self, rows: usize) -> u64 {
        self.fuel_per_call.saturating_add(self.fuel_per_row.saturating_mul(rows as u64))
    }

    /// How many rows a call on `rows` rows may return.
    pub fn output_rows(&self, rows: usize) -> usize {
        let limit = self.output_rows_per_row.saturating_mul(rows.max(1) as u64);
        usize::try_from(limit).unwrap_or(usize::MAX)
    }
}
