//! Checks that judge the table as a whole: what is kept of each batch, and what it says in the end.

pub mod distinct;
pub mod extreme;
pub mod float_sum;
pub mod integer_sum;
pub mod keys;

use self::distinct::Distinct;
use self::extreme::{End, Extreme, Number};
use self::float_sum::FloatSum;
use self::integer_sum::IntegerSum;
use crate::column::{ColumnValues, Values};
use crate::kind::Kind;
use crate::row::range::Range;
use crate::rows::RowSet;
use crate::state::Tally;

/// A check on the table as a whole.
pub enum TableCheck {
    /// Columns whose values do not occur twice together.
    Unique(Vec<usize>),
    RowCount(CountRange),
    Mean(Measured, FloatRange),
    Sum(Measured, Range),
    Extreme(Measured, End, Range),
    /// A column, and the highest share of nulls in it.
    NullShare(usize, f64),
}

/// A column with an order.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub column: usize,
    pub kind: Kind,
}

/// How many rows there are to be.
#[derive(Debug, Clone, Copy)]
pub struct CountRange {
    pub min: u64,
    pub max: u64,
}

/// What a computed float is to be.
#[derive(Debug, Clone, Copy)]
pub struct FloatRange {
    pub min: f64,
    pub max: f64,
}

/// What a check found.
#[derive(Debug, PartialEq)]
pub struct Found {
    pub passes: bool,
    /// Rows that violate the check, where it can say which.
    pub violated: u64,
    /// What was seen, for a person.
    pub seen: String,
    /// What was measured; none where there was nothing to measure.
    pub measured: Option<f64>,
}

impl TableCheck {
    /// What is kept of no rows.
    pub fn tally(&self) -> Tally {
        match self {
            Self::Unique(_) => Tally::Keys(Distinct::default()),
            Self::RowCount(_) => Tally::Nothing,
            Self::Mean(measured, _) | Self::Sum(measured, _) => match measured.kind {
                Kind::Float { .. } => Tally::FloatSum { values: 0, sum: FloatSum::new() },
                _ => Tally::IntegerSum { values: 0, sum: IntegerSum::default() },
            },
            Self::Extreme(_, end, _) => Tally::Extreme(Extreme::new(*end)),
            Self::NullShare(..) => Tally::Violations(0),
        }
    }

    /// Adds the judged rows of a batch to what is kept.
    pub fn observe(&self, columns: &[ColumnValues], judged: &RowSet, tally: &mut Tally) {
        match (self, tally) {
            (Self::Unique(places), Tally::Keys(distinct)) => {
                let columns: Vec<&ColumnValues> =
                    places.iter().map(|&place| &columns[place]).collect();
                let without_nulls = columns
                    .iter()
                    .fold(judged.clone(), |rows, column| rows.and(column.valid.as_ref()));
                distinct.merge(Distinct::new(keys::keys(&columns, &without_nulls)));
            }
            (Self::RowCount(_), Tally::Nothing) => {}
            (
                Self::Mean(measured, _) | Self::Sum(measured, _),
                Tally::IntegerSum { values: count, sum },
            ) => {
                let column = &columns[measured.column];
                let rows = judged.and(column.valid.as_ref());
                *count += rows.count() as u64;
                match &column.values {
                    Values::Ints(values) => {
                        // The sum of one batch of 64-bit integers fits into 128 bits.
                        let mut batch_sum = 0_i128;
                        rows.for_each(values, |value| batch_sum += i128::from(value));
                        sum.add(batch_sum);
                    }
                    Values::WideInts(values) => rows.for_each(values, |value| sum.add(value)),
                    _ => unreachable!("{BOUND}"),
                }
            }
            (
                Self::Mean(measured, _) | Self::Sum(measured, _),
                Tally::FloatSum { values: count, sum },
            ) => {
                let column = &columns[measured.column];
                let rows = judged.and(column.valid.as_ref());
                *count += rows.count() as u64;
                let Values::Floats(values) = &column.values else { unreachable!("{BOUND}") };
                sum.add_all(values, &rows);
            }
            (Self::Extreme(measured, ..), Tally::Extreme(extreme)) => {
                let column = &columns[measured.column];
                extreme.take_in(&column.values, &judged.and(column.valid.as_ref()));
            }
            (Self::NullShare(place, _), Tally::Violations(nulls)) => {
                let column = &columns[*place];
                let values = judged.and(column.valid.as_ref()).count();
                *nulls += (judged.count() - values) as u64;
            }
            _ => unreachable!("{BOUND}"),
        }
    }

    /// Judges what was kept of `checked` rows.
    pub fn conclude(&self, checked: u64, tally: Tally) -> Found {
        match (self, tally) {
            (Self::Unique(_), Tally::Keys(distinct)) => {
                let violated = distinct.repeated();
                Found {
                    passes: violated == 0,
                    violated,
                    seen: format!("{violated} of {checked} rows repeat an earlier one"),
                    measured: Some(violated as f64),
                }
            }
            (Self::RowCount(range), Tally::Nothing) => Found {
                passes: range.min <= checked && checked <= range.max,
                violated: 0,
                seen: format!("there are {checked}"),
                measured: Some(checked as f64),
            },
            (
                Self::Mean(..),
                Tally::IntegerSum { values: 0, .. } | Tally::FloatSum { values: 0, .. },
            ) => Found::nothing(),
            (Self::Mean(measured, range), Tally::IntegerSum { values, sum }) => {
                range.judge(sum.to_f64() / unit(measured.kind) / values as f64)
            }
            (Self::Mean(_, range), Tally::FloatSum { values, sum }) => {
                range.judge(sum.value() / values as f64)
            }
            (Self::Sum(measured, range), Tally::IntegerSum { sum, .. }) => {
                let approximate = sum.to_f64() / unit(measured.kind);
                Found::of_table(
                    range.contains_integer(sum.saturated()),
                    match sum.value() {
                        Some(value) => measured.kind.show(value),
                        None => format!("{approximate:e}"),
                    },
                    approximate,
                )
            }
            (Self::Sum(_, range), Tally::FloatSum { sum, .. }) => {
                let value = sum.value();
                Found::of_table(range.contains_float(value), format!("{value:?}"), value)
            }
            (Self::Extreme(measured, _, range), Tally::Extreme(extreme)) => match extreme.value() {
                None => Found::nothing(),
                Some(Number::Float(value)) => {
                    Found::of_table(range.contains_float(value), format!("{value:?}"), value)
                }
                Some(Number::Integer(value)) => {
                    let found = Found::of_table(
                        range.contains_integer(value),
                        measured.kind.show(value),
                        value as f64 / unit(measured.kind),
                    );
                    // A date or time is no number that a person could read.
                    let is_number = measured.kind.is_number();
                    Found { measured: found.measured.filter(|_| is_number), ..found }
                }
            },
            (Self::NullShare(_, max), Tally::Violations(nulls)) => {
                let share = if checked == 0 { 0.0 } else { nulls as f64 / checked as f64 };
                Found {
                    passes: share <= *max,
                    violated: nulls,
                    seen: format!("{nulls} of {checked} rows are null"),
                    measured: Some(share),
                }
            }
            _ => unreachable!("{BOUND}"),
        }
    }
}

const BOUND: &str = "what is kept belongs to the check, which is bound to the form of its column";

impl Found {
    /// Of a value that was computed from the table.
    fn of_table(passes: bool, value: String, measured: f64) -> Self {
        // What is not finite has no place in a report of numbers.
        let measured = Some(measured).filter(|measured| measured.is_finite());
        Self { passes, violated: 0, seen: format!("it is {value}"), measured }
    }

    /// Of a table without values, which has no mean and no extremes.
    fn nothing() -> Self {
        Self {
            passes: true,
            violated: 0,
            seen: "there are no values to judge".to_owned(),
            measured: None,
        }
    }
}

impl FloatRange {
    fn judge(self, value: f64) -> Found {
        Found::of_table(self.min <= value && value <= self.max, format!("{value:?}"), value)
    }
}

/// What the integers of a column are divided by to be numbers.
fn unit(kind: Kind) -> f64 {
    10_f64.powi(kind.scale().into())
}
