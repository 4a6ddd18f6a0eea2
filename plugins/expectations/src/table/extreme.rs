//! The lowest or the highest value of a column.

use serde::{Deserialize, Serialize};

use crate::column::Values;
use crate::rows::RowSet;

/// The lowest or the highest value so far. NaN counts for neither.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Extreme {
    end: End,
    value: Option<Number>,
}

/// Which end of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    Lowest,
    Highest,
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub enum Number {
    Integer(i128),
    Float(f64),
}

impl Extreme {
    pub fn new(end: End) -> Self {
        Self { end, value: None }
    }

    /// Takes in the values of these rows.
    pub fn take_in(&mut self, values: &Values, rows: &RowSet) {
        let highest = self.end == End::Highest;
        let found = match values {
            Values::Ints(values) => {
                let mut found = None;
                rows.for_each(values, |value| keep(&mut found, value, highest));
                found.map(|value| Number::Integer(value.into()))
            }
            Values::WideInts(values) => {
                let mut found = None;
                rows.for_each(values, |value| keep(&mut found, value, highest));
                found.map(Number::Integer)
            }
            Values::Floats(values) => {
                let mut found = None;
                rows.for_each(values, |value| {
                    if !value.is_nan() {
                        // Negative zero becomes zero, so that it does not matter which came first.
                        keep(&mut found, value + 0.0, highest);
                    }
                });
                found.map(Number::Float)
            }
            Values::Nothing | Values::Text(_) | Values::Bytes(_) => {
                unreachable!("only values with an order are bound to have extremes")
            }
        };
        self.keep(found);
    }

    pub fn merge(&mut self, other: Self) {
        self.keep(other.value);
    }

    /// The value; none where there was none.
    pub fn value(self) -> Option<Number> {
        self.value
    }

    fn keep(&mut self, value: Option<Number>) {
        if let Some(value) = value {
            keep(&mut self.value, value, self.end == End::Highest);
        }
    }
}

#[inline]
fn keep<T: PartialOrd + Copy>(kept: &mut Option<T>, value: T, highest: bool) {
    let replaces = match *kept {
        None => true,
        Some(kept) if highest => value > kept,
        Some(kept) => value < kept,
    };
    if replaces {
        *kept = Some(value);
    }
}
