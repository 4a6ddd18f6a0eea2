//! The checks `between`, `min` and `max`: what lies within bounds, both included.

use wasmill_plugin_sdk::{Error, Result};

use crate::column::BoundColumn;
use crate::constant::{Constant, Rounding};
use crate::kind::{Form, Kind};

/// The lowest and the highest value that pass, in the form of the column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    Ints(i64, i64),
    WideInts(i128, i128),
    Floats(f64, f64),
}

/// A bound and where the configuration has it.
pub struct Bound<'a> {
    pub constant: &'a Constant,
    pub pointer: String,
}

impl Range {
    /// The range between two bounds, either of which may be left out.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`] at the bound that does not fit the column, and at `pointer` where no value can
    /// lie between the two, or where the column has no order.
    pub fn new(
        low: Option<Bound>,
        high: Option<Bound>,
        column: &BoundColumn,
        pointer: &str,
    ) -> Result<Self> {
        match Self::wide(low, high, column, pointer)? {
            Self::WideInts(low, high) if column.form == Form::Ints => {
                let (lowest, highest) = (i128::from(i64::MIN), i128::from(i64::MAX));
                if low > highest || high < lowest {
                    let message = format!("{}: none of its values can pass", column.described());
                    return Err(Error::bad_config(pointer, message));
                }
                Ok(Self::Ints(low.max(lowest) as i64, high.min(highest) as i64))
            }
            range => Ok(range),
        }
    }

    /// The same for what is computed from the values of a column, such as their sum: integers have 128 bits.
    pub fn wide(
        low: Option<Bound>,
        high: Option<Bound>,
        column: &BoundColumn,
        pointer: &str,
    ) -> Result<Self> {
        if !column.kind.is_ordered() {
            let message = format!(
                "{}: numbers, dates or times are needed to be compared",
                column.described()
            );
            return Err(Error::bad_config(pointer, message));
        }
        let range = match column.kind {
            Kind::Float { single } => {
                let low = low.map_or(Ok(f64::NEG_INFINITY), |bound| bound.float(single))?;
                Self::Floats(low, high.map_or(Ok(f64::INFINITY), |bound| bound.float(single))?)
            }
            kind => {
                let low = low.map_or(Ok(i128::MIN), |bound| bound.integer(kind, Rounding::Up))?;
                let high =
                    high.map_or(Ok(i128::MAX), |bound| bound.integer(kind, Rounding::Down))?;
                Self::WideInts(low, high)
            }
        };
        if range.is_empty() {
            let message =
                "the lower bound lies above the upper one, so nothing can pass: swap them";
            return Err(Error::bad_config(pointer, message));
        }
        Ok(range)
    }

    pub fn contains_integer(self, value: i128) -> bool {
        matches!(self, Self::WideInts(low, high) if low <= value && value <= high)
    }

    pub fn contains_float(self, value: f64) -> bool {
        matches!(self, Self::Floats(low, high) if low <= value && value <= high)
    }

    fn is_empty(self) -> bool {
        match self {
            Self::Ints(low, high) => low > high,
            Self::WideInts(low, high) => low > high,
            Self::Floats(low, high) => low > high,
        }
    }
}

impl Bound<'_> {
    fn integer(&self, kind: Kind, rounding: Rounding) -> Result<i128> {
        self.constant
            .integer(kind, rounding)
            .map_err(|message| Error::bad_config(self.pointer.as_str(), message))
    }

    fn float(&self, single: bool) -> Result<f64> {
        self.constant
            .float(single)
            .map_err(|message| Error::bad_config(self.pointer.as_str(), message))
    }
}
