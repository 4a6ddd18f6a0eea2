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
    state: Arc<Mutex<State>>,
}

/// A generator is made when the first byte is asked for, since most calls never ask.
#[derive(Debug)]
struct State {
    position: Position,
    generator: Option<ChaCha12Rng>,
}

impl VirtualRandom {
    pub(crate) fn new(seed: u64) -> Self {
        let state = State { position: Position::Start, generator: None };
        Self { seed, state: Arc::new(Mutex::new(state)) }
    }

    /// Starts over, with a stream of its own for each position.
    pub(crate) fn reset(&self, position: Position) {
        *self.lock() = State { position, generator: None };
    }

    fn with_generator<R>(&self, draw: impl FnOnce(&mut ChaCha12Rng) -> R) -> R {
        let mut state = self.lock();
        let State { position, generator } = &mut *state;
        draw(generator.get_or_insert_with(|| {
            let mut generator = ChaCha12Rng::seed_from_u64(self.seed);
            generator.set_stream(match *position {
                Position::Start => 0,
                Position::Row(row) => row.saturating_add(1),
                Position::End => u64::MAX,
            });
            generator
        }))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TryRng for VirtualRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.with_generator(Rng::next_u32))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.with_generator(Rng::next_u64))
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        self.with_generator(|generator| generator.fill_bytes(destination));
        Ok(())
    }
}
