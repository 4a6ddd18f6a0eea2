//! The memory limit of an instance: the sum of all its linear memories and tables.
//!
//! wasmtime asks before each growth, initial sizes included. The limit is on the sum, because a
//! component may hold any number of memories.

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
    /// What all memories and tables would hold together.
    pub requested: u64,
}

/// Meters and limits one store.
#[derive(Debug)]
pub(crate) struct MemoryMeter {
    limit: u64,
    used: u64,
    peak: u64,
}

impl MemoryMeter {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: 0, peak: 0 }
    }

    /// The most that was in use at once.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// A guest could deal with a refused growth and would then fail in some other way, mostly by a
    /// panic without a reason. A refusal is therefore a fault with a name, at once.
    fn grow(&mut self, bytes: u64) -> wasmtime::Result<bool> {
        let requested = self.used.saturating_add(bytes);
        if requested > self.limit {
            return Err(wasmtime::Error::new(MemoryExceeded { limit: self.limit, requested }));
        }
        self.used = requested;
        self.peak = self.peak.max(requested);
        Ok(true)
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
    use super::*;

    #[test]
    fn memories_and_tables_share_one_limit() {
        let mut meter = MemoryMeter::new(1_000);
        assert!(meter.memory_growing(0, 400, None).unwrap());
        assert!(meter.memory_growing(400, 600, None).unwrap());
        // 50 elements of 8 bytes.
        assert!(meter.table_growing(0, 50, None).unwrap());
        assert_eq!(meter.peak(), 1_000);
        let refused = meter.table_growing(50, 51, None).unwrap_err();
        let expected = MemoryExceeded { limit: 1_000, requested: 1_008 };
        assert_eq!(refused.downcast_ref::<MemoryExceeded>(), Some(&expected));
    }

    #[test]
    fn sizes_that_overflow_are_refused() {
        let mut meter = MemoryMeter::new(u64::MAX - 1);
        assert!(meter.table_growing(0, usize::MAX, None).is_err());
        assert!(meter.memory_growing(0, usize::MAX, None).is_err());
        assert_eq!(meter.peak(), 0);
    }
}
