//! Constants of the configuration, and what they are to a column.
//!
//! Numbers are taken as they are written: `0.1` is one tenth for a decimal column, not the nearest binary
//! fraction. What a number cannot hold, such as a decimal of 30 digits, is written as a string.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::calendar::{NANOS_PER_DAY, parse_date, parse_instant, parse_time};
use crate::kind::Kind;

/// A constant as the configuration has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a number, a string or a boolean")]
pub enum Constant {
    Boolean(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
}

/// What becomes of a constant that lies between two values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// A lower bound becomes the value above.
    Up,
    /// An upper bound becomes the value below.
    Down,
    /// Refused: no value could equal it.
    None,
}

impl Constant {
    /// The integer by which a column of this kind holds the constant. The error says what to write instead.
    pub fn integer(&self, kind: Kind, rounding: Rounding) -> Result<i128, String> {
        match kind {
            Kind::Boolean => match self {
                Self::Boolean(value) => Ok(i128::from(*value)),
                _ => Err(self.refused("true or false")),
            },
            Kind::Integer => self.number(0, rounding, "a whole number"),
            Kind::Decimal { scale } => self.number(scale.into(), rounding, "a number"),
            Kind::Date { unit } => {
                let days = self.temporal(parse_date, "a date such as \"2024-12-31\"")?;
                self.divided(i128::from(days) * NANOS_PER_DAY, unit, rounding)
            }
            Kind::Time { unit } => {
                let nanos = self.temporal(parse_time, "a time such as \"08:30:00\"")?;
                self.divided(nanos, unit, rounding)
            }
            Kind::Timestamp { unit, zoned } => {
                let parse = |text: &str| {
                    let midnight = parse_date(text).map(|days| i128::from(days) * NANOS_PER_DAY);
                    midnight.or_else(|| {
                        // Without an offset, a time is one of UTC where the column is.
                        let instant = parse_instant(text)?;
                        (zoned || !instant.has_offset).then_some(instant.nanos)
                    })
                };
                let wanted = if zoned {
                    "a timestamp such as \"2024-12-31T08:30:00Z\""
                } else {
                    "a timestamp without an offset, such as \"2024-12-31T08:30:00\""
                };
                self.divided(self.temporal(parse, wanted)?, unit, rounding)
            }
            Kind::Null | Kind::Float { .. } | Kind::Text | Kind::Bytes => {
                Err(self.refused("a value of the column's type"))
            }
        }
    }

    /// The constant as a number; rounded to 32 bits where the values of the column were.
    pub fn float(&self, single: bool) -> Result<f64, String> {
        let value = match self {
            Self::Integer(value) => *value as f64,
            Self::Unsigned(value) => *value as f64,
            Self::Float(value) => *value,
            Self::Boolean(_) | Self::Text(_) => return Err(self.refused("a number")),
        };
        Ok(if single { f64::from(value as f32) } else { value })
    }

    pub fn text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(self.refused("a string")),
        }
    }

    /// The integer that stands for the number in a column of this many decimal places.
    fn number(&self, scale: i32, rounding: Rounding, wanted: &str) -> Result<i128, String> {
        let text = match self {
            Self::Boolean(_) => return Err(self.refused(wanted)),
            Self::Text(text) => Cow::Borrowed(text.as_str()),
            number => Cow::Owned(number.to_string()),
        };
        let (digits, places) = parse_decimal(&text)
            .ok_or_else(|| self.refused(&format!("{wanted} of at most 38 digits")))?;
        let too_large = || self.refused("a number that the column can hold");
        match scale - places {
            shift @ 0.. => 10_i128
                .checked_pow(shift.unsigned_abs())
                .and_then(|unit| digits.checked_mul(unit))
                .ok_or_else(too_large),
            shift => match 10_i128.checked_pow(shift.unsigned_abs()) {
                Some(unit) => self.divided(digits, unit, rounding),
                None => Err(too_large()),
            },
        }
    }

    fn temporal<T>(&self, parse: impl Fn(&str) -> Option<T>, wanted: &str) -> Result<T, String> {
        match self {
            Self::Text(text) => parse(text).ok_or_else(|| self.refused(wanted)),
            _ => Err(self.refused(wanted)),
        }
    }

    fn divided(&self, value: i128, unit: i128, rounding: Rounding) -> Result<i128, String> {
        let (below, remainder) = (value.div_euclid(unit), value.rem_euclid(unit));
        match rounding {
            Rounding::None if remainder != 0 => {
                Err(format!("{self} is finer than the values of the column, so none can equal it"))
            }
            Rounding::Up if remainder != 0 => Ok(below + 1),
            _ => Ok(below),
        }
    }

    fn refused(&self, wanted: &str) -> String {
        format!("{self} does not fit the column: write {wanted}")
    }
}

/// The digits of a decimal number as an integer, and how many of them stand after the point.
fn parse_decimal(text: &str) -> Option<(i128, i32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => ("-", whole),
        None => ("", whole),
    };
    let digits_only = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits_only(whole) || !digits_only(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{sign}{whole}{fraction}").parse().ok()?;
    Some((digits, i32::try_from(fraction.len()).ok()?))
}

impl fmt::Display for Constant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Unsigned(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value}"),
            Self::Text(text) => write!(formatter, "\"{text}\""),
        }
    }
}

impl JsonSchema for Constant {
    fn schema_name() -> Cow<'static, str> {
        "Constant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value of the column's type: numbers and booleans as they are; dates, times, \
                timestamps and text as strings, such as \"2024-12-31\" or \"2024-12-31T08:30:00Z\"; decimals \
                as numbers or, of many digits, as strings.",
            "type": ["boolean", "number", "string"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Constant {
        Constant::Text(text.to_owned())
    }

    #[test]
    fn numbers_are_taken_as_they_are_written() {
        let cents = Kind::Decimal { scale: 2 };
        assert_eq!(Constant::Float(0.1).integer(cents, Rounding::None), Ok(10));
        assert_eq!(text("-12.3400").integer(cents, Rounding::None), Ok(-1234));
        let digits = "12345678901234567890123456789012345.67";
        let exact = 1_234_567_890_123_456_789_012_345_678_901_234_567;
        assert_eq!(text(digits).integer(cents, Rounding::None), Ok(exact));
        assert_eq!(
            Constant::Unsigned(u64::MAX).integer(Kind::Integer, Rounding::None),
            Ok(u64::MAX.into())
        );
    }

    #[test]
    fn bounds_are_rounded_inwards() {
        for (value, up, down) in [(1.5, 2, 1), (-1.5, -1, -2), (3.0, 3, 3)] {
            let constant = Constant::Float(value);
            assert_eq!(constant.integer(Kind::Integer, Rounding::Up), Ok(up));
            assert_eq!(constant.integer(Kind::Integer, Rounding::Down), Ok(down));
        }
        let message = Constant::Float(1.5).integer(Kind::Integer, Rounding::None).unwrap_err();
        assert!(message.contains("finer"), "{message}");
    }

    #[test]
    fn scales_below_zero_hold_round_numbers() {
        let thousands = Kind::Decimal { scale: -3 };
        assert_eq!(Constant::Integer(2_500).integer(thousands, Rounding::Up), Ok(3));
        assert_eq!(Constant::Integer(4_000).integer(thousands, Rounding::None), Ok(4));
    }

    #[test]
    fn instants_fit_the_zone_of_the_column() {
        let local = Kind::Timestamp { unit: 1_000_000_000, zoned: false };
        let zoned = Kind::Timestamp { unit: 1_000_000_000, zoned: true };
        let hour = text("1970-01-01T01:00:00");
        assert_eq!(hour.integer(local, Rounding::None), Ok(3_600));
        assert_eq!(hour.integer(zoned, Rounding::None), Ok(3_600));
        assert_eq!(text("1970-01-02").integer(zoned, Rounding::None), Ok(86_400));
        let offset = text("1970-01-01T01:00:00+01:00");
        assert_eq!(offset.integer(zoned, Rounding::None), Ok(0));
        assert!(offset.integer(local, Rounding::None).is_err());
    }

    #[test]
    fn constants_of_another_type_are_refused() {
        for (constant, kind) in [
            (text("x"), Kind::Integer),
            (text("1e5"), Kind::Integer),
            (Constant::Boolean(true), Kind::Integer),
            (Constant::Integer(1), Kind::Boolean),
            (Constant::Integer(20_000), Kind::Date { unit: NANOS_PER_DAY }),
            (Constant::Float(1e300), Kind::Decimal { scale: 2 }),
        ] {
            let message = constant.integer(kind, Rounding::Down).unwrap_err();
            assert!(message.contains("does not fit the column: write"), "{message}");
        }
        assert!(text("1").float(false).is_err());
        assert!(Constant::Integer(1).text().is_err());
    }
}
