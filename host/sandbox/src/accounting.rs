//! What calls into plugins cost and how they fail, as figures that add up, and who is told of them.
//!
//! An instance counts for itself, so that a call takes no lock and allocates nothing. Its figures are told once, when
//! it is dropped: no call is missing, whatever became of what it returned. Only a call that is abandoned half-way,
//! because nobody waits for the instance any longer, is not counted: what it used is not known.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::fault::FaultKind;

/// What an instance used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    pub calls: u64,
    /// Units of about one WebAssembly instruction; 0 where fuel is not metered.
    pub fuel: u64,
    /// Time within calls, host functions included.
    pub time: Duration,
    /// Time during which calls held a thread: `time` without waiting for responses, timers, or a turn after others.
    ///
    /// It is measured by the wall clock from when a call is resumed to when it returns or waits, so that no call costs a
    /// system call more. Where there are more threads than cores, it holds what the operating system gave to others
    /// meanwhile; of work that a host function has done elsewhere it holds nothing.
    #[serde(default)]
    pub cpu_time: Duration,
    /// Bytes of all linear memories and tables, at the highest.
    pub peak_memory: u64,
    /// Log lines beyond the limit.
    pub dropped_log_lines: u64,
    /// Bytes of rows that were passed in, as they cross.
    #[serde(default)]
    pub bytes_in: u64,
    /// Bytes of rows, selections, findings and partial states that were returned, as they cross.
    #[serde(default)]
    pub bytes_out: u64,
    /// Calls that failed.
    #[serde(default)]
    pub faults: FaultCounts,
}

impl Usage {
    /// Adds what another instance of the same step used. Memories do not add up: the higher peak stays.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.fuel = self.fuel.saturating_add(other.fuel);
        self.time += other.time;
        self.cpu_time += other.cpu_time;
        self.peak_memory = self.peak_memory.max(other.peak_memory);
        self.dropped_log_lines += other.dropped_log_lines;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.faults.add(&other.faults);
    }
}

/// Takes what instances of a step used up. Called from many threads; must be quick and must not block.
pub trait UsageSink: Send + Sync {
    /// An instance has ended: describing, binding and instances that could not be opened included.
    fn used(&self, usage: &Usage, calls: &CallTimes);
}

/// Takes nothing.
impl UsageSink for () {
    fn used(&self, _usage: &Usage, _calls: &CallTimes) {}
}

/// Failed calls, by the kind of fault. Serialised as a map that holds the kinds that occurred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts([u64; FaultKind::ALL.len()]);

impl FaultCounts {
    /// One failed call.
    pub fn one(kind: FaultKind) -> Self {
        let mut counts = Self::default();
        counts.count(kind);
        counts
    }

    /// Counts one more failed call.
    pub fn count(&mut self, kind: FaultKind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += 1;
        }
    }

    pub fn add(&mut self, other: &Self) {
        for (count, other) in self.0.iter_mut().zip(other.0) {
            *count += other;
        }
    }

    /// The kinds that occurred, with how often they did.
    pub fn iter(&self) -> impl Iterator<Item = (FaultKind, u64)> {
        FaultKind::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

impl Serialize for FaultCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.iter().count()))?;
        for (kind, count) in self.iter() {
            map.serialize_entry(&kind, &count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for FaultCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counts;
        impl<'de> Visitor<'de> for Counts {
            type Value = FaultCounts;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("numbers of failed calls by the kind of fault")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FaultCounts, A::Error> {
                let mut counts = FaultCounts::default();
                while let Some((kind, count)) = map.next_entry::<FaultKind, u64>()? {
                    if let Some(place) = counts.0.get_mut(kind as usize) {
                        *place = count;
                    }
                }
                Ok(counts)
            }
        }
        deserializer.deserialize_map(Counts)
    }
}

/// How long the calls of an instance took: how many, and their time together, in classes of which each reaches four
/// times as far as the one before it. So a histogram can be made of them later without a lock for each call.
#[derive(Debug, Clone, Default)]
pub struct CallTimes([Class; CallTimes::BOUNDS.len() + 1]);

#[derive(Debug, Clone, Copy, Default)]
struct Class {
    calls: u64,
    nanos: u64,
}

impl CallTimes {
    /// The longest time of each class but the last, in seconds.
    pub const BOUNDS: [f64; 13] = [
        0.000_001, 0.000_004, 0.000_016, 0.000_064, 0.000_256, 0.001_024, 0.004_096, 0.016_384,
        0.065_536, 0.262_144, 1.048_576, 4.194_304, 16.777_216,
    ];

    pub(crate) fn add(&mut self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // The bounds are powers of 4 of a microsecond, and belong to the class that they end.
        let micros = nanos.saturating_sub(1) / 1_000;
        let class = micros.checked_ilog2().map_or(0, |log2| log2 as usize / 2 + 1);
        let class = &mut self.0[class.min(Self::BOUNDS.len())];
        class.calls += 1;
        class.nanos = class.nanos.saturating_add(nanos);
    }

    /// Of each class that holds calls: how many, and how long one took on average, in seconds.
    pub fn classes(&self) -> impl Iterator<Item = (u64, f64)> {
        self.0.iter().enumerate().filter(|(_, class)| class.calls > 0).map(|(index, class)| {
            let mean = class.nanos as f64 / class.calls as f64 / 1e9;
            // Rounding must not take it into the next class.
            (class.calls, Self::BOUNDS.get(index).map_or(mean, |bound| mean.min(*bound)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_fault_has_its_place() {
        for (index, kind) in FaultKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(FaultCounts::one(kind).iter().collect::<Vec<_>>(), [(kind, 1)]);
            let name = serde_json::to_value(kind).unwrap();
            assert_eq!(name, kind.name(), "the name is the same everywhere");
        }
    }

    #[test]
    fn fault_counts_are_a_map_of_what_occurred() {
        let mut counts = FaultCounts::one(FaultKind::Trap);
        counts.add(&FaultCounts::one(FaultKind::Trap));
        counts.add(&FaultCounts::one(FaultKind::OutputBytes));
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"trap":2,"output-bytes":1}"#);
        assert_eq!(serde_json::from_str::<FaultCounts>(&json).unwrap(), counts);
        assert_eq!(serde_json::from_str::<FaultCounts>("{}").unwrap(), FaultCounts::default());
        assert!(serde_json::from_str::<FaultCounts>(r#"{"unheard-of":1}"#).is_err());
    }

    /// The class that is computed is the one that the bounds name, also at the bounds.
    #[test]
    fn times_are_classed_by_their_bounds() {
        let bounds = CallTimes::BOUNDS.map(Duration::from_secs_f64);
        let nano = Duration::from_nanos(1);
        let around = bounds.iter().flat_map(|bound| [*bound - nano, *bound, *bound + nano]);
        for time in around.chain([Duration::ZERO, Duration::from_secs(3_600), Duration::MAX]) {
            let mut times = CallTimes::default();
            times.add(time);
            let found = times.0.iter().position(|class| class.calls == 1);
            assert_eq!(
                found,
                Some(bounds.iter().filter(|bound| **bound < time).count()),
                "{time:?}"
            );
        }
    }

    #[test]
    fn the_sum_over_classes_is_the_time_of_all_calls() {
        let mut times = CallTimes::default();
        for nanos in [2_400, 2_600, 4_000, 900, 70_000] {
            times.add(Duration::from_nanos(nanos));
        }
        let calls: u64 = times.classes().map(|(calls, _)| calls).sum();
        let seconds: f64 = times.classes().map(|(calls, mean)| calls as f64 * mean).sum();
        assert_eq!(calls, 5);
        assert!((seconds - 79.9e-6).abs() < 1e-12, "{seconds}");
    }
}
