//! Values that have an order, as whole numbers that have the same order: so that all ranges are searched alike.

use wasmill_plugin_sdk::bindings::types::{DataType, TimeUnit};
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;
use wasmill_plugin_values::decimal::DecimalFormat;
use wasmill_plugin_values::format::Format;
use wasmill_plugin_values::parse::{FloatParser, Parse};
use wasmill_plugin_values::temporal::{DateFormats, TimestampFormats};

/// How text is read as a value of a column.
pub enum Ordered {
    Integer,
    Float,
    Decimal(DecimalFormat),
    Date(DateFormats),
    Timestamp(TimestampFormats),
}

impl Ordered {
    /// # Errors
    ///
    /// [`Error::BadSchema`] where values of the type have no order that is known here.
    pub fn new(column: &str, data_type: &DataType) -> Result<Self> {
        let day = || Format::compile("%Y-%m-%d").expect("the format is right");
        let midnight = || Format::compile("%Y-%m-%d").expect("the format is right");
        match data_type {
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Uint8
            | DataType::Uint16
            | DataType::Uint32
            | DataType::Uint64 => Ok(Self::Integer),
            DataType::Float32 | DataType::Float64 => Ok(Self::Float),
            DataType::Decimal128(decimal)
                if (0..=38).contains(&decimal.scale)
                    && decimal.scale as u8 <= decimal.precision =>
            {
                Ok(Self::Decimal(DecimalFormat::plain(38, decimal.scale as u8)))
            }
            DataType::Date32 => Ok(Self::Date(DateFormats(vec![day()]))),
            DataType::Timestamp(timestamp) if matches!(timestamp.unit, TimeUnit::Microsecond) => {
                let formats = vec![Format::Iso8601, midnight()];
                Ok(Self::Timestamp(TimestampFormats { formats, zone_seconds: 0 }))
            }
            other => {
                let message = format!(
                    "is {}; ranges are of numbers, dates, and timestamps in microseconds: parse it first, with the plugin `clean` for one",
                    type_name(other)
                );
                Err(Error::bad_column(column, message))
            }
        }
    }

    /// What the texts of the table have to be, for messages.
    pub fn expected(&self) -> &'static str {
        match self {
            Self::Integer => "a whole number",
            Self::Float => "a number",
            Self::Decimal(_) => "a number with no more decimals than the column",
            Self::Date(_) => "a date such as 2025-12-31",
            Self::Timestamp(_) => "a date, or a time such as 2025-12-31T08:30:00Z",
        }
    }

    /// The number for a text of the table; none where it is no such value.
    pub fn parse(&self, text: &str) -> Option<i128> {
        match self {
            Self::Integer => text.parse().ok(),
            Self::Float => FloatParser.parse(text).map(float_order),
            Self::Decimal(format) => format.parse(text).map(|decimal| decimal.0),
            Self::Date(formats) => formats.parse(text).map(|date| date.0.into()),
            Self::Timestamp(formats) => formats.parse(text).map(|timestamp| timestamp.0.into()),
        }
    }
}

/// The number for a value of the input; none for nulls and NaN.
pub fn order_of(value: Scalar) -> Option<i128> {
    match value {
        Scalar::Int(value) | Scalar::Decimal(value, _) => Some(value),
        Scalar::Float(value) if !value.is_nan() => Some(float_order(value)),
        _ => None,
    }
}

/// The bits of floats are in their order, but for negative ones, which are in the opposite one.
fn float_order(value: f64) -> i128 {
    // -0.0 equals 0.0.
    let bits = (value + 0.0).to_bits() as i64;
    let ordered = if bits < 0 { i64::MIN - bits } else { bits };
    ordered.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_order() {
        let floats = [f64::NEG_INFINITY, -1e300, -1.5, -1e-300, 0.0, 1e-300, 1.0, 1.5, f64::MAX];
        assert!(floats.is_sorted_by(|left, right| float_order(*left) < float_order(*right)));
        assert_eq!(float_order(-0.0), float_order(0.0));
        assert_eq!(order_of(Scalar::Float(f64::NAN)), None);
    }
}
