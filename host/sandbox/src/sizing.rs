//! How many rows cross at once. That is decided by their bytes, since it is bytes that fill a cache or a memory.
//!
//! A batch that does not fit into the processor's cache is slower by the row, as each step finds it in memory again; and one
//! whose buffers are too large for the allocator to keep is slower by several times, as their pages are given back and
//! taken anew with every batch. So batches are cut into pieces of half of the cache, and smaller ones where a plugin turns
//! out to need it: after a refusal of memory, too much output or a missed deadline, half as much crosses; after many calls
//! that went well, twice as much again.

use std::borrow::Cow;
use std::fs;
use std::ops::Range;
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use wasmill_contract::copying::held_bytes;

use crate::fault::FaultKind;

/// Where the machine does not say how large its cache is.
const COMMON_CACHE_BYTES: u64 = 1 << 20;
/// No piece is made smaller than this.
const LEAST_BYTES: u64 = 4 << 10;
/// After so many calls that went well, the size is doubled again.
const CALLS_TO_GROW: u32 = 256;

/// Cuts the batches of one instance, and of those that follow it in its place.
#[derive(Debug, Clone)]
pub struct BatchSizer {
    most: u64,
    now: u64,
    went_well: u32,
}

impl Default for BatchSizer {
    fn default() -> Self {
        static PIECE_BYTES: LazyLock<u64> = LazyLock::new(|| cache_bytes() / 2);
        Self::with_most(*PIECE_BYTES)
    }
}

impl BatchSizer {
    /// Pieces of at most `most` bytes.
    pub fn with_most(most: u64) -> Self {
        Self { most, now: most, went_well: 0 }
    }

    /// How many of the rows of `batch` to pass next: all, or so many that their columns at `positions` hold about
    /// as much as is to cross at once. At least one, where there is one.
    pub fn rows(&self, batch: &RecordBatch, positions: &[usize]) -> usize {
        let pieces = held_bytes(batch, positions).div_ceil(self.now).max(1);
        batch.num_rows().div_ceil(usize::try_from(pieces).unwrap_or(usize::MAX))
    }

    /// Learns from how a call ended.
    pub fn observe(&mut self, fault: Option<FaultKind>) {
        match fault {
            None => {
                self.went_well += 1;
                if self.went_well == CALLS_TO_GROW {
                    self.went_well = 0;
                    self.now = self.now.saturating_mul(2).min(self.most);
                }
            }
            Some(FaultKind::Memory | FaultKind::OutputBytes | FaultKind::Deadline) => {
                self.went_well = 0;
                self.now = (self.now / 2).max(LEAST_BYTES.min(self.most));
            }
            // Smaller batches would not have helped.
            Some(_) => {}
        }
    }
}

/// Some rows of a batch, in a row. All of them are the batch itself: to slice many columns takes its time too.
pub fn part<'a>(batch: &'a RecordBatch, rows: &Range<usize>) -> Cow<'a, RecordBatch> {
    if *rows == (0..batch.num_rows()) {
        return Cow::Borrowed(batch);
    }
    Cow::Owned(batch.slice(rows.start, rows.len()))
}

/// The cache that a core has for itself: on Linux as the kernel tells it, such as `1024K`.
fn cache_bytes() -> u64 {
    let text = fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index2/size");
    let kibibytes = text.ok().and_then(|text| text.trim().strip_suffix('K')?.parse::<u64>().ok());
    kibibytes.map_or(COMMON_CACHE_BYTES, |kibibytes| kibibytes << 10).max(256 << 10)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    /// Rows of 8 bytes, and of 4 bytes and a text.
    fn batch(rows: usize, text: &str) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
        let texts: ArrayRef =
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows)));
        RecordBatch::try_from_iter([("number", numbers), ("text", texts)]).unwrap()
    }

    #[test]
    fn rows_are_as_many_as_their_bytes_allow() {
        let sizer = BatchSizer::with_most(8_000);
        let batch = batch(10_000, &"x".repeat(96));
        assert_eq!(sizer.rows(&batch, &[0]), 1_000);
        assert_eq!(sizer.rows(&batch, &[1]), 80);
        assert_eq!(sizer.rows(&batch.slice(0, 50), &[1]), 50);
        // Nothing crosses but the number of rows.
        assert_eq!(sizer.rows(&batch, &[]), 10_000);
        assert_eq!(sizer.rows(&batch.slice(0, 0), &[0]), 0);
    }

    #[test]
    fn a_row_beyond_the_size_crosses_by_itself() {
        let sizer = BatchSizer::with_most(1_000);
        assert_eq!(sizer.rows(&batch(3, &"x".repeat(5_000)), &[0, 1]), 1);
    }

    #[test]
    fn the_size_follows_what_happens() {
        let mut sizer = BatchSizer::with_most(64 << 10);
        let sizes = |sizer: &BatchSizer| sizer.now >> 10;
        sizer.observe(Some(FaultKind::Memory));
        sizer.observe(Some(FaultKind::Deadline));
        assert_eq!(sizes(&sizer), 16);
        sizer.observe(Some(FaultKind::Trap));
        assert_eq!(sizes(&sizer), 16, "a trap has nothing to do with the size");
        (1..CALLS_TO_GROW).for_each(|_| sizer.observe(None));
        assert_eq!(sizes(&sizer), 16);
        sizer.observe(None);
        assert_eq!(sizes(&sizer), 32);
        (0..10 * CALLS_TO_GROW).for_each(|_| sizer.observe(None));
        assert_eq!(sizes(&sizer), 64, "never more than at the start");
        (0..20).for_each(|_| sizer.observe(Some(FaultKind::OutputBytes)));
        assert_eq!(sizes(&sizer), 4, "and never nothing");
    }
}
