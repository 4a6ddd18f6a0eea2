//! Sets of keys that are small to keep, fast to merge, and count exactly how often a key came again.
//!
//! A set is a list of runs: sorted lists of different keys. Merging sets puts their runs side by side, and
//! merges two runs only while the longer one is less than twice as long as the other, so that each key is
//! moved a logarithmic number of times in all. A key may occur in several runs until the end, when all are
//! merged.

use bytemuck::{cast_slice, pod_collect_to_vec};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A set of keys, and how many were put into it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Distinct {
    keys: u64,
    /// The longest first.
    runs: Vec<Run>,
}

/// Different keys, sorted.
#[derive(Debug, Clone)]
struct Run(Vec<u128>);

impl Distinct {
    /// The set of these keys.
    pub fn new(mut keys: Vec<u128>) -> Self {
        let count = keys.len() as u64;
        keys.sort_unstable();
        keys.dedup();
        let runs = if keys.is_empty() { Vec::new() } else { vec![Run(keys)] };
        Self { keys: count, runs }
    }

    pub fn merge(&mut self, other: Self) {
        self.keys += other.keys;
        self.runs.extend(other.runs);
        self.merge_runs(|longer, shorter| longer < 2 * shorter);
    }

    /// How many keys were put in that were there already.
    pub fn repeated(mut self) -> u64 {
        self.merge_runs(|_, _| true);
        self.keys - self.runs.first().map_or(0, |run| run.0.len() as u64)
    }

    /// Merges the two shortest runs as long as `should` says so of their lengths.
    fn merge_runs(&mut self, should: impl Fn(usize, usize) -> bool) {
        self.runs.sort_by_key(|run| std::cmp::Reverse(run.0.len()));
        while let [.., longer, shorter] = self.runs.as_slice()
            && should(longer.0.len(), shorter.0.len())
        {
            let merged = longer.merged(shorter);
            self.runs.truncate(self.runs.len() - 2);
            let place = self.runs.partition_point(|run| run.0.len() >= merged.0.len());
            self.runs.insert(place, merged);
        }
    }
}

impl Run {
    fn merged(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.as_slice(), other.0.as_slice());
        let mut merged = Vec::with_capacity(left.len() + right.len());
        while let ([left_key, left_rest @ ..], [right_key, right_rest @ ..]) = (left, right) {
            merged.push(*left_key.min(right_key));
            if left_key <= right_key {
                left = left_rest;
            }
            if right_key <= left_key {
                right = right_rest;
            }
        }
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        Self(merged)
    }
}

// A run is written as the bytes of its keys, as memory has them: states never leave the sandbox's
// little-endian machine. Written one by one, the keys of a large table would take many times as long.
impl Serialize for Run {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(cast_slice(&self.0))
    }
}

impl<'de> Deserialize<'de> for Run {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl Visitor<'_> for Keys {
            type Value = Run;

            fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                formatter.write_str("keys of 16 bytes each")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Run, E> {
                if !bytes.len().is_multiple_of(size_of::<u128>()) {
                    return Err(E::invalid_length(bytes.len(), &self));
                }
                Ok(Run(pod_collect_to_vec(bytes)))
            }
        }

        deserializer.deserialize_bytes(Keys)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::random::Random;

    #[test]
    fn repetitions_are_counted_across_merges_in_any_order() {
        let mut random = Random::new(4);
        for round in 0..50 {
            let range = 1 + random.below(2_000);
            let keys: Vec<u128> = (0..1_000).map(|_| random.below(range).into()).collect();
            let different: HashSet<u128> = keys.iter().copied().collect();
            let mut parts: Vec<Distinct> =
                keys.chunks(1 + round).map(|part| Distinct::new(part.to_vec())).collect();
            random.shuffle(&mut parts);
            while parts.len() > 1 {
                let index = random.below(parts.len() as u64) as usize;
                let other = parts.swap_remove(index);
                let index = random.below(parts.len() as u64) as usize;
                parts[index].merge(other);
            }
            let merged = parts.pop().unwrap();
            assert!(merged.runs.is_sorted_by(|left, right| left.0.len() >= right.0.len()));
            assert_eq!(merged.repeated(), (keys.len() - different.len()) as u64);
        }
    }

    #[test]
    fn an_empty_set_has_no_repetitions() {
        let mut empty = Distinct::default();
        empty.merge(Distinct::new(Vec::new()));
        assert_eq!(empty.repeated(), 0);
    }
}
