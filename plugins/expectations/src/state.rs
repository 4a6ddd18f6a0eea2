//! What is kept of the rows judged so far, for the judgement of the table.
//!
//! States of different batches are merged in any order and grouping with the same outcome: counts and exact
//! sums are added, extremes compared, and sets of keys united.

use serde::{Deserialize, Serialize};

use crate::table::distinct::Distinct;
use crate::table::extreme::Extreme;
use crate::table::float_sum::FloatSum;
use crate::table::integer_sum::IntegerSum;

/// What is kept of some rows. The default, without rules, is what is kept of none.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct State {
    pub rows: u64,
    /// One for each rule, in their order.
    pub rules: Vec<RuleState>,
}

/// What is kept for one rule.
#[derive(Debug, Serialize, Deserialize)]
pub struct RuleState {
    /// How many rows the rule judged.
    pub checked: u64,
    pub tally: Tally,
}

/// What is kept of the rows that a rule judged.
#[derive(Debug, Serialize, Deserialize)]
pub enum Tally {
    /// Their number is enough.
    Nothing,
    /// How many violate the rule.
    Violations(u64),
    Keys(Distinct),
    IntegerSum {
        /// How many values were added.
        values: u64,
        sum: IntegerSum,
    },
    FloatSum {
        /// How many values were added.
        values: u64,
        sum: FloatSum,
    },
    Extreme(Extreme),
}

impl State {
    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        if self.rules.is_empty() {
            self.rules = other.rules;
            return;
        }
        for (rule, other) in self.rules.iter_mut().zip(other.rules) {
            rule.checked += other.checked;
            rule.tally.merge(other.tally);
        }
    }
}

impl Tally {
    fn merge(&mut self, other: Self) {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => {}
            (Self::Violations(violations), Self::Violations(other)) => *violations += other,
            (Self::Keys(keys), Self::Keys(other)) => keys.merge(other),
            (
                Self::IntegerSum { values, sum },
                Self::IntegerSum { values: other_values, sum: other },
            ) => {
                *values += other_values;
                sum.merge(other);
            }
            (
                Self::FloatSum { values, sum },
                Self::FloatSum { values: other_values, sum: other },
            ) => {
                *values += other_values;
                sum.merge(&other);
            }
            (Self::Extreme(extreme), Self::Extreme(other)) => extreme.merge(other),
            _ => unreachable!("the states that are merged are of the same rules"),
        }
    }
}
