//! The memory of an instance: the sum of all its linear memories and tables, and of what the host holds for it.
//!
//! wasmtime asks before each growth, initial sizes included. The limit is on the sum, because a component may hold any number
//! of memories. What the host holds are copies that would not be without the call: a batch that was encoded for the
//! plugin, what the plugin returned, the body of a response.
//!
//! Beside its own limit an instance may have to share a [`MemoryBudget`] with others. From that, it takes what it needs at the
//! highest, and gives it back at its end.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

/// How many bytes a table element takes in the host.
const TABLE_ELEMENT_BYTES: u64 = 8;
/// How many core instances, tables and memories a component may have. A Python component has about 20
/// instances, a JavaScript one about 5.
const MAX_INSTANCES: usize = 100;
const MAX_TABLES: usize = 64;
const MAX_MEMORIES: usize = 16;

/// A growth that would pass the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("memory limit: {limit} bytes allowed, {requested} needed")]
pub struct MemoryExceeded {
    pub limit: u64,
    /// What all memories and tables, and the host for them, would hold together.
    pub requested: u64,
}

/// Memory that is shared with others.
pub trait MemoryBudget: Send + Sync {
    /// Takes so many bytes more.
    ///
    /// # Errors
    ///
    /// Why there are not as many, in words.
    fn grow(&self, bytes: u64) -> Result<(), String>;

    /// Gives so many bytes back.
    fn shrink(&self, bytes: u64);
}

/// There is always enough.
impl MemoryBudget for () {
    fn grow(&self, _bytes: u64) -> Result<(), String> {
        Ok(())
    }

    fn shrink(&self, _bytes: u64) {}
}

/// There is not enough left of what is shared with others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct BudgetExhausted {
    pub(crate) reason: String,
}

/// Meters and limits one store.
pub(crate) struct MemoryMeter {
    limit: u64,
    /// Linear memories and tables.
    used: u64,
    /// What the host holds.
    held: u64,
    peak: u64,
    /// What was taken from the budget.
    reserved: u64,
    budget: Arc<dyn MemoryBudget>,
}

impl MemoryMeter {
    pub(crate) fn new(limit: u64, budget: Arc<dyn MemoryBudget>) -> Self {
        Self { limit, used: 0, held: 0, peak: 0, reserved: 0, budget }
    }

    /// Counts what the host holds now, instead of what it held before.
    pub(crate) fn hold(&mut self, bytes: u64) -> wasmtime::Result<()> {
        self.held = 0;
        self.take(self.used, bytes)
    }

    /// Counts more that the host holds.
    pub(crate) fn hold_more(&mut self, bytes: u64) -> wasmtime::Result<()> {
        self.take(self.used, self.held.saturating_add(bytes))
    }

    /// The most that was in use at once.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// A guest could deal with a refused growth and would then fail in some other way, mostly by a
    /// panic without a reason. A refusal is therefore a fault with a name, at once.
    fn grow(&mut self, bytes: u64) -> wasmtime::Result<bool> {
        self.take(self.used.saturating_add(bytes), self.held)?;
        Ok(true)
    }

    fn take(&mut self, used: u64, held: u64) -> wasmtime::Result<()> {
        let requested = used.saturating_add(held);
        if requested > self.limit {
            return Err(wasmtime::Error::new(MemoryExceeded { limit: self.limit, requested }));
        }
        if requested > self.reserved {
            self.budget
                .grow(requested - self.reserved)
                .map_err(|reason| wasmtime::Error::new(BudgetExhausted { reason }))?;
            self.reserved = requested;
        }
        (self.used, self.held) = (used, held);
        self.peak = self.peak.max(requested);
        Ok(())
    }
}

impl Drop for MemoryMeter {
    fn drop(&mut self) {
        self.budget.shrink(self.reserved);
    }
}

impl ResourceLimiter for MemoryMeter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current) as u64)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.grow((desired.saturating_sub(current) as u64).saturating_mul(TABLE_ELEMENT_BYTES))
    }

    fn instances(&self) -> usize {
        MAX_INSTANCES
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn refused(result: wasmtime::Result<impl Sized>) -> MemoryExceeded {
        let Err(error) = result else { panic!("it was granted") };
        *error.downcast_ref::<MemoryExceeded>().expect("the limit is named")
    }

    #[test]
    fn memories_tables_and_what_the_host_holds_share_one_limit() {
        let mut meter = MemoryMeter::new(1_000, Arc::new(()));
        assert!(meter.memory_growing(0, 300, None).unwrap());
        assert!(meter.memory_growing(300, 500, None).unwrap());
        // 25 elements of 8 bytes.
        assert!(meter.table_growing(0, 25, None).unwrap());
        meter.hold(300).unwrap();
        assert_eq!(meter.peak(), 1_000);
        let expected = MemoryExceeded { limit: 1_000, requested: 1_008 };
        assert_eq!(refused(meter.table_growing(25, 26, None)), expected);
        assert_eq!(refused(meter.hold_more(8)), expected);
        assert_eq!(refused(meter.hold(308)), expected);
        meter.hold(0).unwrap();
        assert!(meter.table_growing(25, 26, None).unwrap());
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let mut meter = MemoryMeter::new(u64::MAX - 1, Arc::new(()));
        assert!(meter.table_growing(0, usize::MAX, None).is_err());
        assert!(meter.memory_growing(0, usize::MAX, None).is_err());
        assert!(meter.hold(u64::MAX).is_err());
        assert_eq!(meter.peak(), 0);
    }

    /// A thousand bytes for all.
    #[derive(Default)]
    struct Shared(AtomicU64);

    impl MemoryBudget for Shared {
        fn grow(&self, bytes: u64) -> Result<(), String> {
            let taken = self.0.fetch_add(bytes, Ordering::Relaxed) + bytes;
            if taken > 1_000 {
                self.shrink(bytes);
                return Err(format!("{taken} of 1000"));
            }
            Ok(())
        }

        fn shrink(&self, bytes: u64) {
            self.0.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    #[test]
    fn instances_share_a_budget_and_give_back_what_they_took() {
        let shared = Arc::new(Shared::default());
        let meter = || MemoryMeter::new(800, Arc::clone(&shared) as _);
        let (mut first, mut second) = (meter(), meter());
        first.memory_growing(0, 600, None).unwrap();
        second.memory_growing(0, 300, None).unwrap();
        let error = second.memory_growing(300, 500, None).unwrap_err();
        assert_eq!(error.downcast_ref::<BudgetExhausted>().unwrap().reason, "1100 of 1000");
        // What was taken once is kept until the end.
        first.hold(100).unwrap();
        first.hold(0).unwrap();
        assert_eq!(shared.0.load(Ordering::Relaxed), 1_000);
        drop(first);
        second.memory_growing(300, 500, None).unwrap();
        assert_eq!(shared.0.load(Ordering::Relaxed), 500);
        drop(second);
        assert_eq!(shared.0.load(Ordering::Relaxed), 0);
    }
}
