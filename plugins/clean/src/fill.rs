//! What stands instead of nulls: `defaults` of the configuration, as values of a column's type.

use wasmill_plugin_sdk::bindings::types::DataType;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;

use crate::config::DefaultConfig;
use wasmill_plugin_values::decimal::DecimalFormat;
use wasmill_plugin_values::format::Format;
use wasmill_plugin_values::parse::Parse;
use wasmill_plugin_values::temporal::{DateFormats, TimestampFormats};

/// The column that a default is for.
#[derive(Debug, Clone, Copy)]
pub struct Filled<'a> {
    pub data_type: &'a DataType,
    /// How far the clocks of texts without a zone are ahead of UTC.
    pub zone_seconds: i32,
}

/// A value that can be given as a default.
pub trait Fill: Sized {
    /// None where `default` is no value of that column.
    fn fill(default: &DefaultConfig, column: Filled) -> Option<Self>;
}

/// The default for a column, where there is one.
///
/// # Errors
///
/// [`Error::BadConfig`] at `pointer`, where the default is no value of the type of the column.
pub fn checked<T: Fill>(
    default: Option<&DefaultConfig>,
    column: Filled,
    pointer: &str,
) -> Result<Option<T>> {
    let Some(default) = default else { return Ok(None) };
    match T::fill(default, column) {
        Some(value) => Ok(Some(value)),
        None => {
            let message = format!(
                "is {default}, but the column is {}; give {}",
                type_name(column.data_type),
                example(column.data_type)
            );
            Err(Error::bad_config(pointer, message))
        }
    }
}

fn example(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true or false",
        DataType::Utf8 => "a text",
        DataType::Date32 => "a text such as \"2025-12-31\"",
        DataType::Timestamp(_) => "a text such as \"2025-12-31T08:30:00Z\"",
        DataType::Decimal128(_) => "a number within the precision, such as \"12.50\"",
        DataType::Float32 | DataType::Float64 => "a number",
        _ => "a whole number within the range of the type",
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Fill for $type {
            fn fill(default: &DefaultConfig, _: Filled) -> Option<Self> {
                match default {
                    DefaultConfig::Integer(value) => <$type>::try_from(*value).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

impl Fill for f64 {
    fn fill(default: &DefaultConfig, _: Filled) -> Option<Self> {
        match default {
            DefaultConfig::Integer(value) => Some(*value as f64),
            DefaultConfig::Number(value) => Some(*value),
            _ => None,
        }
    }
}

impl Fill for f32 {
    fn fill(default: &DefaultConfig, column: Filled) -> Option<Self> {
        f64::fill(default, column).map(|value| value as f32).filter(|value| value.is_finite())
    }
}

impl Fill for bool {
    fn fill(default: &DefaultConfig, _: Filled) -> Option<Self> {
        match default {
            DefaultConfig::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl Fill for String {
    fn fill(default: &DefaultConfig, _: Filled) -> Option<Self> {
        match default {
            DefaultConfig::Text(value) => Some(value.clone()),
            _ => None,
        }
    }
}

impl Fill for Decimal {
    fn fill(default: &DefaultConfig, column: Filled) -> Option<Self> {
        let DataType::Decimal128(decimal) = column.data_type else { return None };
        let scale = u8::try_from(decimal.scale).ok().filter(|scale| *scale <= decimal.precision)?;
        let format = DecimalFormat::plain(decimal.precision, scale);
        match default {
            DefaultConfig::Integer(value) => format.parse(&value.to_string()),
            // The shortest text that stands for the number: 0.1 is meant where 0.1 is written.
            DefaultConfig::Number(value) => format.parse(&value.to_string()),
            DefaultConfig::Text(value) => format.parse(value),
            DefaultConfig::Boolean(_) => None,
        }
    }
}

impl Fill for Date {
    fn fill(default: &DefaultConfig, _: Filled) -> Option<Self> {
        let DefaultConfig::Text(value) = default else { return None };
        let format = Format::compile("%Y-%m-%d").expect("the format is right");
        DateFormats(vec![format]).parse(value)
    }
}

impl Fill for Timestamp {
    fn fill(default: &DefaultConfig, column: Filled) -> Option<Self> {
        let DefaultConfig::Text(value) = default else { return None };
        let formats = vec![Format::Iso8601];
        TimestampFormats { formats, zone_seconds: column.zone_seconds }.parse(value)
    }
}

impl std::fmt::Display for DefaultConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => write!(formatter, "{value}"),
            Self::Integer(value) => write!(formatter, "{value}"),
            Self::Number(value) => write!(formatter, "{value}"),
            Self::Text(value) => write!(formatter, "{value:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmill_plugin_sdk::bindings::types::DecimalType;

    const UTC: Filled = Filled { data_type: &DataType::Null, zone_seconds: 0 };

    fn text(value: &str) -> DefaultConfig {
        DefaultConfig::Text(value.to_owned())
    }

    #[test]
    fn values_of_the_type() {
        assert_eq!(u8::fill(&DefaultConfig::Integer(255), UTC), Some(255));
        assert_eq!(f64::fill(&DefaultConfig::Integer(1), UTC), Some(1.0));
        assert_eq!(f32::fill(&DefaultConfig::Number(0.5), UTC), Some(0.5));
        assert_eq!(bool::fill(&DefaultConfig::Boolean(false), UTC), Some(false));
        assert_eq!(String::fill(&text(""), UTC), Some(String::new()));
        assert_eq!(Date::fill(&text("1970-01-02"), UTC), Some(Date(1)));
        let east = Filled { zone_seconds: 3_600, ..UTC };
        assert_eq!(Timestamp::fill(&text("1970-01-01T01:00"), east), Some(Timestamp(0)));
    }

    #[test]
    fn decimals_are_taken_as_they_are_written() {
        let data_type = DataType::Decimal128(DecimalType { precision: 5, scale: 2 });
        let column = Filled { data_type: &data_type, zone_seconds: 0 };
        for (default, expected) in [
            (text("12.50"), Some(1_250)),
            (DefaultConfig::Number(0.1), Some(10)),
            (DefaultConfig::Integer(-3), Some(-300)),
            (DefaultConfig::Number(0.125), None),
            (DefaultConfig::Integer(1_000), None),
            (text("much"), None),
        ] {
            assert_eq!(Decimal::fill(&default, column), expected.map(Decimal), "{default}");
        }
    }

    #[test]
    fn values_of_another_type() {
        assert_eq!(u8::fill(&DefaultConfig::Integer(256), UTC), None);
        assert_eq!(i64::fill(&DefaultConfig::Number(1.0), UTC), None);
        assert_eq!(i64::fill(&text("1"), UTC), None);
        assert_eq!(f32::fill(&DefaultConfig::Number(1e300), UTC), None);
        assert_eq!(String::fill(&DefaultConfig::Integer(1), UTC), None);
        assert_eq!(Date::fill(&text("31/12/2025"), UTC), None);
        assert_eq!(Timestamp::fill(&text("2025-12-31"), UTC), None);
    }

    #[test]
    fn messages_say_what_to_give() {
        let column = Filled { data_type: &DataType::Int64, zone_seconds: 0 };
        let refused = checked::<i64>(Some(&text("x")), column, "/defaults/c").unwrap_err();
        let message =
            "is \"x\", but the column is int64; give a whole number within the range of the type";
        assert_eq!(refused, Error::bad_config("/defaults/c", message));
    }
}
