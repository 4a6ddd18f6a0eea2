//! What differs, counted, with a few examples of each: of one split, then of all.

use std::collections::BTreeMap;
use std::convert::Infallible;

use serde::Serialize;
use wasmill_sandbox::Usage;
use wasmill_sandbox::fault::FaultKind;

/// What a version made of one input row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// At least one output row comes from it; of a validator: it may go on.
    Passed,
    Rejected,
    /// It was left out.
    Dropped,
    /// It makes the plugin fail.
    Fault(FaultKind),
}

impl Fate {
    /// Such as `passed`, or `fault: trap`.
    pub(super) fn name(self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::Rejected => "rejected".to_owned(),
            Self::Dropped => "dropped".to_owned(),
            Self::Fault(kind) => format!("fault: {}", kind.name()),
        }
    }
}

/// What a finding demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Reject,
    Warn,
}

/// A row in which the versions differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    pub split: String,
    /// The position of the input row in the split; none where there is no such row.
    pub row: Option<u64>,
    /// What each version gives, or says; none where it is null, or nothing.
    pub old: Option<String>,
    pub new: Option<String>,
}

/// So many rows, and a few of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) rows: u64,
    pub(super) examples: Vec<Example>,
}

impl Found {
    /// Counts one more row; `example` is asked for while there are fewer than `limit`.
    pub(super) fn add(&mut self, limit: usize, example: impl FnOnce() -> Example) {
        let Ok(()) = self.try_add::<Infallible>(limit, || Ok(example()));
    }

    /// The same with an example that may be impossible to show.
    pub(super) fn try_add<E>(
        &mut self,
        limit: usize,
        example: impl FnOnce() -> Result<Example, E>,
    ) -> Result<(), E> {
        self.rows += 1;
        if self.examples.len() < limit {
            self.examples.push(example()?);
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self, limit: usize) {
        self.rows += other.rows;
        let free = limit.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.iter().take(free).cloned());
    }
}

/// A rule, as it was told of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleKey {
    pub(super) severity: Severity,
    pub(super) rule: String,
    pub(super) column: Option<String>,
}

/// How often each version told a rule of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RuleRows {
    pub(super) old: u64,
    pub(super) new: u64,
    /// Rows of which only one version told it.
    pub(super) differing: Found,
}

/// Why the new version was given up in a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenUp {
    pub(super) split: String,
    /// Of the fault; `comparison` where it was not the plugin.
    pub(super) kind: &'static str,
    pub(super) message: String,
}

/// More rules are counted as one: plugins name them as they like.
const MAX_RULES: usize = 1_000;

/// The sums.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Input rows that both versions were given.
    pub(super) rows: u64,
    /// Those among them of which both made the same.
    pub(super) equal: u64,
    /// Input rows that only the old version was given.
    pub(super) not_compared: u64,
    /// Output rows of batches that were compared.
    pub(super) old_rows_out: u64,
    pub(super) new_rows_out: u64,
    /// Input rows whose fates differ.
    pub(super) fates: Vec<(Fate, Fate, Found)>,
    /// Input rows that both pass on, as different numbers of output rows.
    pub(super) numbers: Found,
    /// Output rows that have other values, by column.
    pub(super) values: BTreeMap<String, Found>,
    pub(super) rules: BTreeMap<RuleKey, RuleRows>,
    /// Output rows that belong to no input row, and that only one version gives.
    pub(super) only_old: Found,
    pub(super) only_new: Found,
    pub(super) given_up: Vec<GivenUp>,
    /// Splits of which the rows that belong to no input row were too many to be compared.
    pub(super) unmatched_splits: u64,
    /// What the new version used up.
    pub(super) usage: Usage,
    pub(super) search_calls: u64,
}

impl Tally {
    /// The rows that went from one fate to another.
    pub(super) fn fate(&mut self, old: Fate, new: Fate) -> &mut Found {
        let known = self.fates.iter().position(|(from, to, _)| (*from, *to) == (old, new));
        let place = known.unwrap_or_else(|| {
            self.fates.push((old, new, Found::default()));
            self.fates.len() - 1
        });
        &mut self.fates[place].2
    }

    /// How often a rule was told.
    pub(super) fn rule(&mut self, key: &RuleKey) -> &mut RuleRows {
        let is_known = self.rules.contains_key(key);
        let key = if is_known || self.rules.len() < MAX_RULES {
            key.clone()
        } else {
            RuleKey { severity: key.severity, rule: "(other rules)".to_owned(), column: None }
        };
        self.rules.entry(key).or_default()
    }

    /// Keeps the numbers alone.
    pub(super) fn forget_examples(&mut self) {
        let fates = self.fates.iter_mut().map(|(_, _, found)| found);
        let rules = self.rules.values_mut().map(|rows| &mut rows.differing);
        let others = [&mut self.numbers, &mut self.only_old, &mut self.only_new];
        for found in fates.chain(rules).chain(self.values.values_mut()).chain(others) {
            found.examples.clear();
        }
    }

    /// Adds the sums of another split. They come in the order of splits.
    pub(super) fn merge(&mut self, other: &Self, limit: usize) {
        self.rows += other.rows;
        self.equal += other.equal;
        self.not_compared += other.not_compared;
        self.old_rows_out += other.old_rows_out;
        self.new_rows_out += other.new_rows_out;
        for (old, new, found) in &other.fates {
            self.fate(*old, *new).merge(found, limit);
        }
        self.numbers.merge(&other.numbers, limit);
        for (column, found) in &other.values {
            self.values.entry(column.clone()).or_default().merge(found, limit);
        }
        for (rule, rows) in &other.rules {
            let sum = self.rule(rule);
            sum.old += rows.old;
            sum.new += rows.new;
            sum.differing.merge(&rows.differing, limit);
        }
        self.only_old.merge(&other.only_old, limit);
        self.only_new.merge(&other.only_new, limit);
        self.given_up.extend(other.given_up.iter().cloned());
        self.unmatched_splits += other.unmatched_splits;
        self.usage.add(&other.usage);
        self.search_calls += other.search_calls;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(rule: &str) -> RuleKey {
        RuleKey { severity: Severity::Reject, rule: rule.to_owned(), column: None }
    }

    #[test]
    fn what_a_plugin_names_does_not_grow_without_end() {
        let mut tally = Tally::default();
        for number in 0..3 * MAX_RULES {
            tally.rule(&key(&number.to_string())).new += 1;
        }
        assert_eq!(tally.rules.len(), MAX_RULES + 1);
        let rest = &tally.rules[&key("(other rules)")];
        assert_eq!(rest.new, 2 * MAX_RULES as u64);
        let mut sum = Tally::default();
        sum.merge(&tally, 5);
        sum.merge(&tally, 5);
        assert!(sum.rules.len() <= MAX_RULES + 1);
        assert_eq!(sum.rules.values().map(|rows| rows.new).sum::<u64>(), 6 * MAX_RULES as u64);
    }

    #[test]
    fn examples_are_the_first_ones_of_all_splits() {
        let split = |name: &str, rows: u64| {
            let mut tally = Tally::default();
            for row in 0..rows {
                let split = name.to_owned();
                let example = Example { split, row: Some(row), old: None, new: None };
                tally.fate(Fate::Passed, Fate::Dropped).add(2, || example);
            }
            tally
        };
        let mut sum = Tally::default();
        let mut bare = split("c", 4);
        bare.forget_examples();
        for split in [&split("a", 1), &bare, &split("b", 3)] {
            sum.merge(split, 2);
        }
        let found = &sum.fates[0].2;
        let places: Vec<_> =
            found.examples.iter().map(|example| (example.split.as_str(), example.row)).collect();
        assert_eq!((found.rows, places), (8, vec![("a", Some(0)), ("b", Some(0))]));
    }
}
