//! The memory of an instance: the sum of all its linear memories and tables, and of what the host holds for it.
//!
//! wasmtime asks before each growth, initial sizes included. The limit is on the sum, because a component may hold any number
//! of memories. What the host holds are copies that would not be without the call: a batch that was encoded for the
//! plugin, what the plugin returned, the body of a response.
//!
//! Most of that is over with the call. What tasks beside the guest take, and what may be kept for longer, is counted until it is
//! dropped: requests and bodies of `wasi:http`. When that is refused, the call that waits ends.
//!
//! Beside its own limit an instance may have to share a [`MemoryBudget`] with others. From that, it takes what it needs at the
//! highest, and gives it back at its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

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

/// Meters and limits one store; clones share it.
#[derive(Clone)]
pub(crate) struct MemoryMeter {
    state: Arc<Mutex<State>>,
}

struct State {
    limit: u64,
    /// Linear memories and tables.
    used: u64,
    /// What the host holds for the call.
    held: u64,
    /// What it holds beside.
    kept: u64,
    peak: u64,
    /// What was taken from the budget.
    reserved: u64,
    budget: Arc<dyn MemoryBudget>,
    /// Of something to be kept, until the call is told.
    refusal: Option<wasmtime::Error>,
    /// Of the call that waits.
    waker: Option<Waker>,
}

impl MemoryMeter {
    pub(crate) fn new(limit: u64, budget: Arc<dyn MemoryBudget>) -> Self {
        let state = State {
            limit,
            used: 0,
            held: 0,
            kept: 0,
            peak: 0,
            reserved: 0,
            budget,
            refusal: None,
            waker: None,
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Counts what the host holds now, instead of what it held before.
    pub(crate) fn hold(&self, bytes: u64) -> wasmtime::Result<()> {
        let mut state = self.lock();
        state.held = 0;
        let (used, kept) = (state.used, state.kept);
        state.take(used, bytes, kept)
    }

    /// Counts more that the host holds.
    pub(crate) fn hold_more(&self, bytes: u64) -> wasmtime::Result<()> {
        let mut state = self.lock();
        let (used, held, kept) = (state.used, state.held.saturating_add(bytes), state.kept);
        state.take(used, held, kept)
    }

    /// Something that is kept until it is dropped; nothing yet.
    pub(crate) fn keep(&self) -> Kept {
        Kept { memory: self.clone(), bytes: 0 }
    }

    /// For a call that begins: what was refused before is none of it.
    pub(crate) fn for_call(&self) -> Self {
        let mut state = self.lock();
        state.refusal = None;
        state.waker = None;
        self.clone()
    }

    /// The refusal of something to be kept; wakes the task when there is one.
    pub(crate) fn poll_refusal(&self, context: &Context<'_>) -> Poll<wasmtime::Error> {
        let mut state = self.lock();
        match state.refusal.take() {
            Some(refusal) => Poll::Ready(refusal),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The most that was in use at once.
    pub(crate) fn peak(&self) -> u64 {
        self.lock().peak
    }

    /// A guest could deal with a refused growth and would then fail in some other way, mostly by a
    /// panic without a reason. A refusal is therefore a fault with a name, at once.
    fn grow(&self, bytes: u64) -> wasmtime::Result<bool> {
        let mut state = self.lock();
        let (used, held, kept) = (state.used.saturating_add(bytes), state.held, state.kept);
        state.take(used, held, kept)?;
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, used: u64, held: u64, kept: u64) -> wasmtime::Result<()> {
        let requested = used.saturating_add(held).saturating_add(kept);
        if requested > self.limit {
            let limit = self.limit;
            return Err(wasmtime::Error::new(MemoryExceeded { limit, requested }));
        }
        if requested > self.reserved {
            self.budget
                .grow(requested - self.reserved)
                .map_err(|reason| wasmtime::Error::new(BudgetExhausted { reason }))?;
            self.reserved = requested;
        }
        (self.used, self.held, self.kept) = (used, held, kept);
        self.peak = self.peak.max(requested);
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.budget.shrink(self.reserved);
    }
}

/// What the host keeps for an instance, however long its calls are over. Given back when it is dropped.
pub(crate) struct Kept {
    memory: MemoryMeter,
    bytes: u64,
}

/// There was no memory for something to be kept. The call is told why, and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

impl Kept {
    /// Keeps so many bytes more.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<(), Refused> {
        let mut state = self.memory.lock();
        let (used, held, kept) = (state.used, state.held, state.kept.saturating_add(bytes));
        match state.take(used, held, kept) {
            Ok(()) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(refusal) => {
                state.refusal.get_or_insert(refusal);
                let waker = state.waker.take();
                drop(state);
                waker.into_iter().for_each(Waker::wake);
                Err(Refused)
            }
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.memory.lock().kept -= self.bytes;
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
    fn what_is_kept_counts_until_it_is_dropped() {
        let meter = MemoryMeter::new(1_000, Arc::new(()));
        let context = Context::from_waker(Waker::noop());
        let mut kept = meter.keep();
        kept.grow(600).unwrap();
        meter.hold(400).unwrap();
        let mut other = meter.keep();
        assert_eq!(other.grow(1), Err(Refused));
        let Poll::Ready(refusal) = meter.poll_refusal(&context) else { panic!("it was refused") };
        let expected = MemoryExceeded { limit: 1_000, requested: 1_001 };
        assert_eq!(refusal.downcast_ref(), Some(&expected));
        assert!(meter.poll_refusal(&context).is_pending(), "it was told");
        drop(other);
        assert_eq!(refused(meter.hold(401)), expected);
        drop(kept);
        meter.hold(1_000).unwrap();
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
