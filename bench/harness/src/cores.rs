//! So many cores and no more, for this thread and the programs that it starts.
//!
//! Only that makes rows a second and a core a figure: threads of a program that was told to use one thread, and those that
//! nobody told, share what there is.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::measure::Error;

/// Binds the current thread to the first cores that it may use, until this is dropped. Threads and programs that are started
/// meanwhile are bound as well, and stay so.
pub struct Cores {
    before: CpuSet,
}

impl Cores {
    pub fn only(count: usize) -> Result<Self, Error> {
        let before = sched_getaffinity(None)?;
        let mut bound = CpuSet::new();
        let allowed = (0..CpuSet::MAX_CPU).filter(|&core| before.is_set(core));
        allowed.take(count).for_each(|core| bound.set(core));
        if (bound.count() as usize) < count {
            return Err(format!("{count} cores are needed, and there are {}", bound.count()).into());
        }
        sched_setaffinity(None, &bound)?;
        Ok(Self { before })
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        // These cores were allowed before. If they no longer are, there is nobody to tell and nothing else to do.
        let _ = sched_setaffinity(None, &self.before);
    }
}
