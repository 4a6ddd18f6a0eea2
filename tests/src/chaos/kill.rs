//! When a process dies.

use std::fmt;
use std::process::Command;
use std::time::Duration;

use super::random::Random;

/// The variable that tells the program where to kill itself.
const VARIABLE: &str = "WASMILL_CRASH_AT";

/// The named points, in the order of a run, each with how often a process of the scenario passes it, about. A process that passes it
/// less often is not killed.
pub const POINTS: [(&str, u64); 13] = [
    ("after-stage", 30),
    ("before-manifest", 30),
    ("after-manifest", 30),
    ("before-publishing", 1),
    ("before-commit", 1),
    ("commit-begun", 1),
    ("mid-commit", 8),
    ("mid-replace", 2),
    ("after-commit", 4),
    ("before-end", 1),
    ("before-notify", 1),
    ("mid-notify", 1),
    ("mid-sweep", 2),
];

/// What the first rounds go through: for each run, the points at which its processes die, one after the other. All points are there.
/// A process that goes on comes to the points behind the one where the last died, but for those after the end of the run: when it
/// has ended, there is nothing to go on with but what was left undone.
pub const FIRST_ROUNDS: [[&[&str]; 2]; 2] = [
    [
        &[
            "after-stage",
            "before-manifest",
            "after-manifest",
            "before-publishing",
            "before-commit",
            "commit-begun",
            "mid-commit",
        ],
        &["mid-replace", "after-commit", "before-end", "mid-notify"],
    ],
    [&["before-notify"], &["mid-sweep"]],
];

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// At the n-th time that it comes to a named point.
    At { point: &'static str, time: u64 },
    /// After a while, wherever it is then.
    After(Duration),
}

impl Kill {
    /// The first time that a process comes to a point.
    pub fn at(name: &str) -> Self {
        let known = POINTS.iter().find(|(point, _)| *point == name);
        let (point, _) = known.unwrap_or_else(|| panic!("there is no point {name}"));
        Self::At { point, time: 1 }
    }

    /// Anywhere: at a point or at a moment, each half of the time.
    pub fn anywhere(random: &mut Random, typical: Duration) -> Self {
        if random.one_in(2) {
            let (point, times) = *random.pick(&POINTS);
            return Self::At { point, time: random.between(1, times) };
        }
        Self::After(typical.mul_f64(random.fraction()))
    }

    /// Prepares a command to die there; returns after which time it is to be killed from outside.
    pub fn prepare(self, command: &mut Command) -> Option<Duration> {
        match self {
            Self::At { point, time } => {
                command.env(VARIABLE, format!("{point}#{time}"));
                None
            }
            Self::After(wait) => Some(wait),
        }
    }

    /// The name under which kills are counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::At { point, .. } => point,
            Self::After(_) => "any moment",
        }
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At { point, time } => write!(formatter, "{point}#{time}"),
            Self::After(wait) => write!(formatter, "after {} ms", wait.as_millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_first_rounds_go_through_all_points() {
        let gone_through = FIRST_ROUNDS.iter().flatten().copied().flatten().copied();
        let all = POINTS.iter().map(|(point, _)| *point);
        assert_eq!(gone_through.collect::<BTreeSet<_>>(), all.collect());
    }
}
