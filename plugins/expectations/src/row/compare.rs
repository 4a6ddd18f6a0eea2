//! The check `compare`: how a value compares to that of another column in the same row.
//!
//! Integers and decimals of different scales, and dates and times of different units, are compared exactly:
//! one side is multiplied until both count the same unit. With a float on either side, both are compared as
//! float64.

use wasmill_plugin_sdk::{Error, Result};

use crate::column::{BoundColumn, Values};
use crate::config::Operator;
use crate::kind::Kind;

/// A comparison with another column.
#[derive(Debug)]
pub struct Comparison {
    pub other: usize,
    operator: Operator,
    measure: Measure,
}

/// In what the two columns are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Measure {
    /// Integers, each side times a factor.
    Integers(i128, i128),
    /// Floats, each side divided by a divisor.
    Floats(f64, f64),
    Text,
}

impl Comparison {
    /// A comparison of `column` with `other`, which stands at the place `other_place`.
    pub fn new(
        operator: Operator,
        column: &BoundColumn,
        other: &BoundColumn,
        other_place: usize,
        pointer: &str,
    ) -> Result<Self> {
        let measure = Measure::of(column.kind, other.kind).ok_or_else(|| {
            let message = format!(
                "{}, {}: the two cannot be compared",
                column.described(),
                other.described()
            );
            Error::bad_config(pointer, message)
        })?;
        Ok(Self { other: other_place, operator, measure })
    }

    /// Calls `fail` with each row in which the values do not compare as they should, nulls not looked at.
    pub fn find_failures(&self, left: &Values, right: &Values, fail: impl FnMut(usize)) {
        let operator = self.operator;
        match (self.measure, left, right) {
            (Measure::Integers(1, 1), Values::Ints(left), Values::Ints(right)) => {
                scan_pairs(left, right, |left, right| operator.holds(left, right), fail);
            }
            (Measure::Text, Values::Text(left), Values::Text(right)) => {
                scan_pairs(left, right, |left, right| operator.holds(left, right), fail);
            }
            (Measure::Integers(left_factor, right_factor), left, right) => {
                // One factor is always 1, and the other side is far from where a product saturates.
                let (left, right) = (integers(left), integers(right));
                let holds = |left: i128, right: i128| {
                    let left = left.saturating_mul(left_factor);
                    operator.holds(left, right.saturating_mul(right_factor))
                };
                scan_pairs(&left, &right, holds, fail);
            }
            (Measure::Floats(left_divisor, right_divisor), left, right) => {
                let (left, right) = (floats(left, left_divisor), floats(right, right_divisor));
                scan_pairs(&left, &right, |left, right| operator.holds(left, right), fail);
            }
            _ => unreachable!("a comparison is bound to the forms of its columns"),
        }
    }
}

impl Measure {
    fn of(left: Kind, right: Kind) -> Option<Self> {
        match (left, right) {
            (Kind::Text, Kind::Text) => Some(Self::Text),
            (Kind::Boolean, Kind::Boolean) => Some(Self::Integers(1, 1)),
            (left, right) if left.is_number() && right.is_number() => {
                let (left_scale, right_scale) = (i32::from(left.scale()), i32::from(right.scale()));
                if matches!(left, Kind::Float { .. }) || matches!(right, Kind::Float { .. }) {
                    return Some(Self::Floats(10_f64.powi(left_scale), 10_f64.powi(right_scale)));
                }
                let scale = left_scale.max(right_scale);
                let factor = |of| 10_i128.checked_pow((scale - of) as u32);
                Some(Self::Integers(factor(left_scale)?, factor(right_scale)?))
            }
            (Kind::Date { unit: left }, Kind::Date { unit: right })
            | (Kind::Time { unit: left }, Kind::Time { unit: right }) => {
                Some(Self::units(left, right))
            }
            (
                Kind::Timestamp { unit: left, zoned: left_zoned },
                Kind::Timestamp { unit: right, zoned: right_zoned },
            ) if left_zoned == right_zoned => Some(Self::units(left, right)),
            _ => None,
        }
    }

    /// Units of time divide one another.
    fn units(left: i128, right: i128) -> Self {
        let finer = left.min(right);
        Self::Integers(left / finer, right / finer)
    }
}

fn integers(values: &Values) -> Vec<i128> {
    match values {
        Values::Ints(values) => values.iter().map(|&value| value.into()).collect(),
        Values::WideInts(values) => values.clone(),
        _ => unreachable!("only integers are compared as integers"),
    }
}

fn floats(values: &Values, divisor: f64) -> Vec<f64> {
    match values {
        Values::Ints(values) => values.iter().map(|&value| value as f64 / divisor).collect(),
        Values::WideInts(values) => values.iter().map(|&value| value as f64 / divisor).collect(),
        Values::Floats(values) => values.clone(),
        _ => unreachable!("only numbers are compared as floats"),
    }
}

#[inline]
fn scan_pairs<V: Copy>(
    left: &[V],
    right: &[V],
    holds: impl Fn(V, V) -> bool,
    mut fail: impl FnMut(usize),
) {
    for (row, (&left, &right)) in left.iter().zip(right).enumerate() {
        if !holds(left, right) {
            fail(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(measure: Measure, operator: Operator, left: Values, right: Values) -> Vec<usize> {
        let mut failures = Vec::new();
        let comparison = Comparison { other: 1, operator, measure };
        comparison.find_failures(&left, &right, |row| failures.push(row));
        failures
    }

    #[test]
    fn scales_and_units_are_aligned() {
        let cents = Kind::Decimal { scale: 2 };
        let measure = Measure::of(cents, Kind::Integer).unwrap();
        assert_eq!(measure, Measure::Integers(1, 100));
        let (left, right) = (Values::WideInts(vec![150, 200, 250]), Values::Ints(vec![2, 2, 2]));
        assert_eq!(failures(measure, Operator::AtMost, left, right), [2]);
        let (left, right) = (Values::WideInts(vec![10_i128.pow(37)]), Values::Ints(vec![i64::MAX]));
        assert_eq!(failures(measure, Operator::AtMost, left, right), [0]);

        let (seconds, millis) = (
            Kind::Timestamp { unit: 1_000_000_000, zoned: true },
            Kind::Timestamp { unit: 1_000_000, zoned: true },
        );
        assert_eq!(Measure::of(seconds, millis), Some(Measure::Integers(1_000, 1)));
    }

    #[test]
    fn floats_are_compared_with_anything_that_is_a_number() {
        let measure =
            Measure::of(Kind::Float { single: false }, Kind::Decimal { scale: 1 }).unwrap();
        let (left, right) =
            (Values::Floats(vec![1.5, 1.6, f64::NAN]), Values::WideInts(vec![15, 15, 15]));
        assert_eq!(failures(measure, Operator::Equal, left, right), [1, 2]);
    }

    #[test]
    fn unlike_columns_are_not_compared() {
        let local = Kind::Timestamp { unit: 1_000, zoned: false };
        let zoned = Kind::Timestamp { unit: 1_000, zoned: true };
        let day = Kind::Date { unit: 86_400_000_000_000 };
        for (left, right) in [
            (local, zoned),
            (day, local),
            (Kind::Text, Kind::Integer),
            (Kind::Boolean, Kind::Integer),
        ] {
            assert_eq!(Measure::of(left, right), None, "{left:?} {right:?}");
        }
    }
}
