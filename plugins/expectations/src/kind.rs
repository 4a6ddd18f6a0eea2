//! What the values of a column are to the rules, whatever Arrow type holds them.

use wasmill_plugin_sdk::any::Scalar;
use wasmill_plugin_sdk::bindings::types::{DataType, TimeUnit};

use crate::calendar::{NANOS_PER_DAY, NANOS_PER_SECOND, format_date, format_instant, format_time};

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A column of nulls.
    Null,
    Boolean,
    /// Integers, also those that count the units of a duration.
    Integer,
    /// Integers that stand for themselves divided by 10 to the power of `scale`.
    Decimal {
        scale: i8,
    },
    Float {
        /// Whether constants are rounded to 32 bits first, as the values were.
        single: bool,
    },
    Text,
    Bytes,
    /// Integers that count units of so many nanoseconds since 1970-01-01.
    Date {
        unit: i128,
    },
    /// The same; of UTC where `zoned`, else of a local clock.
    Timestamp {
        unit: i128,
        zoned: bool,
    },
    /// Integers that count units of so many nanoseconds since midnight.
    Time {
        unit: i128,
    },
}

/// How the values of a column are held while a batch is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// No values to look at.
    Nothing,
    Ints,
    WideInts,
    Floats,
    Text,
    Bytes,
}

impl Kind {
    /// What the values of a column of this type are.
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean,
            DataType::Float32 => Self::Float { single: true },
            DataType::Float64 => Self::Float { single: false },
            DataType::Utf8 | DataType::LargeUtf8 => Self::Text,
            DataType::Decimal32(decimal)
            | DataType::Decimal64(decimal)
            | DataType::Decimal128(decimal) => Self::Decimal { scale: decimal.scale },
            DataType::Date32 => Self::Date { unit: NANOS_PER_DAY },
            DataType::Date64 => Self::Date { unit: nanos(TimeUnit::Millisecond) },
            DataType::Time32(unit) | DataType::Time64(unit) => Self::Time { unit: nanos(*unit) },
            DataType::Timestamp(timestamp) => {
                Self::Timestamp { unit: nanos(timestamp.unit), zoned: timestamp.zone.is_some() }
            }
            DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => Self::Bytes,
            // Binding lets no other types through than these and the integers.
            _ => Self::Integer,
        }
    }

    /// How the values of a column of this kind and type are held.
    pub fn form(self, data_type: &DataType) -> Form {
        match self {
            Self::Null => Form::Nothing,
            Self::Integer if matches!(data_type, DataType::Uint64) => Form::WideInts,
            Self::Decimal { .. } => Form::WideInts,
            Self::Float { .. } => Form::Floats,
            Self::Text => Form::Text,
            Self::Bytes => Form::Bytes,
            Self::Boolean
            | Self::Integer
            | Self::Date { .. }
            | Self::Timestamp { .. }
            | Self::Time { .. } => Form::Ints,
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal { .. } | Self::Float { .. })
    }

    /// Whether one value can be asked to be lower than another.
    pub fn is_ordered(self) -> bool {
        self.is_number()
            || matches!(self, Self::Date { .. } | Self::Timestamp { .. } | Self::Time { .. })
    }

    /// How many decimal places the integers have that stand for numbers.
    pub fn scale(self) -> i8 {
        match self {
            Self::Decimal { scale } => scale,
            _ => 0,
        }
    }

    /// An integer of a column of this kind, for a person.
    pub fn show(self, value: i128) -> String {
        match self {
            Self::Date { unit } => format_date((value * unit).div_euclid(NANOS_PER_DAY)),
            Self::Timestamp { unit, zoned } => {
                let text = format_instant(value * unit);
                if zoned { format!("{text}Z") } else { text }
            }
            Self::Time { unit } => format_time(value * unit),
            Self::Decimal { scale } => Scalar::Decimal(value, scale).to_string(),
            _ => value.to_string(),
        }
    }
}

fn nanos(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => NANOS_PER_SECOND,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}
