//! Virtual randomness: a stream of bytes that depends on the seed alone.
//!
//! ChaCha12, whose output is part of its crate's promise. It is set back at the start of each call. A plugin
//! that needs secrets nobody can predict must be granted real randomness.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng, TryRng};

use crate::guest::Position;

/// The randomness of one instance; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct VirtualRandom {
    seed: u64,
    generator: Arc<Mutex<ChaCha12Rng>>,
}

impl VirtualRandom {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, generator: Arc::new(Mutex::new(ChaCha12Rng::seed_from_u64(seed))) }
    }

    /// Starts over, with a stream of its own for each position.
    pub(crate) fn reset(&self, position: Position) {
        let mut generator = ChaCha12Rng::seed_from_u64(self.seed);
        generator.set_stream(match position {
            Position::Start => 0,
            Position::Row(row) => row.saturating_add(1),
            Position::End => u64::MAX,
        });
        *self.lock() = generator;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ChaCha12Rng> {
        self.generator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TryRng for VirtualRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.lock().next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.lock().next_u64())
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        self.lock().fill_bytes(destination);
        Ok(())
    }
}
