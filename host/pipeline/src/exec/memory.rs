//! One budget of memory for plugins and queries: DataFusion's pool, of which instances take their share.

use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryPool, MemoryReservation,
};
use wasmill_sandbox::memory::MemoryBudget;

/// A pool of so many bytes: what plugins take of it, and operators that cannot spill, is missing to those that can.
pub(crate) fn pool(bytes: u64) -> Arc<dyn MemoryPool> {
    Arc::new(FairSpillPool::new(usize::try_from(bytes).unwrap_or(usize::MAX)))
}

/// What the instances of one step take.
pub(crate) struct StepMemory {
    reservation: MemoryReservation,
}

impl StepMemory {
    pub(crate) fn new(step: &str, pool: &Arc<dyn MemoryPool>) -> Self {
        Self { reservation: MemoryConsumer::new(format!("plugins of `{step}`")).register(pool) }
    }
}

impl MemoryBudget for StepMemory {
    fn grow(&self, bytes: u64) -> Result<(), String> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.reservation.try_grow(bytes).map_err(|error| match error {
            DataFusionError::ResourcesExhausted(reason) => {
                // What follows lists all consumers, a line each.
                let reason = reason.lines().next().unwrap_or_default().to_owned();
                format!("pipeline.memory is used up: {reason}")
            }
            other => other.strip_backtrace(),
        })
    }

    fn shrink(&self, bytes: u64) {
        self.reservation.shrink(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}
