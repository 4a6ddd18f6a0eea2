//! Reading columns whose type is known at run time only, value by value.

use std::borrow::Cow;

use bytemuck::Pod;
use half::f16;

use crate::bindings::types::{DataType, IntervalUnit, Node};
use crate::bitmap::bit;
use crate::column::aligned;

pub(crate) const NANOS_IN_MILLI: i64 = 1_000_000;

/// A flat column of any type.
pub struct AnyColumn<'a> {
    data_type: &'a DataType,
    node: &'a Node,
    values: Values<'a>,
}

enum Values<'a> {
    Null,
    Bool,
    I8(Cow<'a, [i8]>),
    I16(Cow<'a, [i16]>),
    I32(Cow<'a, [i32]>),
    I64(Cow<'a, [i64]>),
    U8(Cow<'a, [u8]>),
    U16(Cow<'a, [u16]>),
    U32(Cow<'a, [u32]>),
    U64(Cow<'a, [u64]>),
    F32(Cow<'a, [f32]>),
    F64(Cow<'a, [f64]>),
    I128(Cow<'a, [i128]>),
    F16(Cow<'a, [u16]>),
    /// Pairs of days and milliseconds.
    DayTime(Cow<'a, [[i32; 2]]>),
    Bytes(Cow<'a, [i32]>),
    LargeBytes(Cow<'a, [i64]>),
    Fixed(usize),
    MonthDayNano,
    I256,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    Null,
    Bool(bool),
    /// Integers; also dates, times, instants and durations, in the unit of their type.
    Int(i128),
    Float(f64),
    /// The integer of a decimal and its scale.
    Decimal(i128, i8),
    /// That of one of 256 bits: two's complement, the least significant byte first.
    Decimal256([u8; 32], i8),
    /// An interval of the calendar. Those of days and milliseconds have their milliseconds as nanoseconds.
    Interval {
        months: i32,
        days: i32,
        nanos: i64,
    },
    Str(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> AnyColumn<'a> {
    /// The column of a node; none where the type is nested, or otherwise not made of plain values.
    pub(crate) fn new(data_type: &'a DataType, node: &'a Node) -> Option<Self> {
        let length = node.length as usize;
        fn natives<T: Pod>(node: &Node) -> Cow<'_, [T]> {
            aligned(&node.values[..node.length as usize * size_of::<T>()])
        }
        let values = match data_type {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Bool,
            DataType::Int8 => Values::I8(natives(node)),
            DataType::Int16 => Values::I16(natives(node)),
            DataType::Int32 | DataType::Date32 | DataType::Time32(_) | DataType::Decimal32(_) => {
                Values::I32(natives(node))
            }
            DataType::Int64
            | DataType::Date64
            | DataType::Time64(_)
            | DataType::Timestamp(_)
            | DataType::Duration(_)
            | DataType::Decimal64(_) => Values::I64(natives(node)),
            DataType::Uint8 => Values::U8(natives(node)),
            DataType::Uint16 => Values::U16(natives(node)),
            DataType::Uint32 => Values::U32(natives(node)),
            DataType::Uint64 => Values::U64(natives(node)),
            DataType::Float16 => Values::F16(natives(node)),
            DataType::Float32 => Values::F32(natives(node)),
            DataType::Float64 => Values::F64(natives(node)),
            DataType::Decimal128(_) => Values::I128(natives(node)),
            DataType::Utf8 | DataType::Binary => {
                Values::Bytes(aligned(&node.offsets[..(length + 1) * size_of::<i32>()]))
            }
            DataType::LargeUtf8 | DataType::LargeBinary => {
                Values::LargeBytes(aligned(&node.offsets[..(length + 1) * size_of::<i64>()]))
            }
            DataType::FixedSizeBinary(size) => Values::Fixed(*size as usize),
            DataType::Interval(IntervalUnit::YearMonth) => Values::I32(natives(node)),
            DataType::Interval(IntervalUnit::DayTime) => Values::DayTime(natives(node)),
            DataType::Interval(IntervalUnit::MonthDayNano) => Values::MonthDayNano,
            DataType::Decimal256(_) => Values::I256,
            _ => return None,
        };
        Some(Self { data_type, node, values })
    }

    /// Whether columns of this type can be read.
    pub fn can_read(data_type: &DataType) -> bool {
        let empty = Node {
            length: 0,
            validity: Vec::new(),
            offsets: vec![0; size_of::<i64>()],
            values: Vec::new(),
        };
        AnyColumn::new(data_type, &empty).is_some()
    }

    pub fn data_type(&self) -> &DataType {
        self.data_type
    }

    pub fn len(&self) -> usize {
        self.node.length as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Null)
            || (!self.node.validity.is_empty() && !bit(&self.node.validity, row))
    }

    /// The value at `row`.
    pub fn value(&self, row: usize) -> Scalar<'a> {
        if self.is_null(row) {
            return Scalar::Null;
        }
        let integer = |value: i128| match self.data_type {
            DataType::Decimal32(decimal)
            | DataType::Decimal64(decimal)
            | DataType::Decimal128(decimal) => Scalar::Decimal(value, decimal.scale),
            _ => Scalar::Int(value),
        };
        match &self.values {
            Values::Null => Scalar::Null,
            Values::Bool => Scalar::Bool(bit(&self.node.values, row)),
            Values::I8(values) => integer(values[row].into()),
            Values::I16(values) => integer(values[row].into()),
            Values::I32(values) => match self.data_type {
                DataType::Interval(_) => {
                    Scalar::Interval { months: values[row], days: 0, nanos: 0 }
                }
                _ => integer(values[row].into()),
            },
            Values::I64(values) => integer(values[row].into()),
            Values::U8(values) => integer(values[row].into()),
            Values::U16(values) => integer(values[row].into()),
            Values::U32(values) => integer(values[row].into()),
            Values::U64(values) => integer(values[row].into()),
            Values::F16(values) => Scalar::Float(f16::from_bits(values[row]).into()),
            Values::F32(values) => Scalar::Float(values[row].into()),
            Values::F64(values) => Scalar::Float(values[row]),
            Values::I128(values) => integer(values[row]),
            Values::Bytes(offsets) => self.bytes(offsets[row] as usize, offsets[row + 1] as usize),
            Values::LargeBytes(offsets) => {
                self.bytes(offsets[row] as usize, offsets[row + 1] as usize)
            }
            Values::Fixed(size) => self.bytes(row * size, (row + 1) * size),
            Values::DayTime(values) => {
                let [days, millis] = values[row];
                Scalar::Interval { months: 0, days, nanos: i64::from(millis) * NANOS_IN_MILLI }
            }
            Values::MonthDayNano => {
                let bytes = &self.node.values[row * 16..];
                let int = |at: usize| {
                    i32::from_le_bytes(*bytes[at..].first_chunk().expect("16 bytes each"))
                };
                let nanos = i64::from_le_bytes(*bytes[8..].first_chunk().expect("16 bytes each"));
                Scalar::Interval { months: int(0), days: int(4), nanos }
            }
            Values::I256 => {
                let bytes = self.node.values[row * 32..].first_chunk().expect("32 bytes each");
                let DataType::Decimal256(decimal) = self.data_type else {
                    unreachable!("of no other type")
                };
                Scalar::Decimal256(*bytes, decimal.scale)
            }
        }
    }

    fn bytes(&self, start: usize, end: usize) -> Scalar<'a> {
        let bytes = &self.node.values[start..end];
        match self.data_type {
            DataType::Utf8 | DataType::LargeUtf8 => {
                Scalar::Str(std::str::from_utf8(bytes).expect("the host sends UTF-8 only"))
            }
            _ => Scalar::Bytes(bytes),
        }
    }
}

impl Scalar<'_> {
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value as a number, where it is one. Integers beyond 2^53 lose their last digits.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Decimal(value, scale) => Some(value as f64 / 10_f64.powi(scale.into())),
            _ => None,
        }
    }

    /// Appends bytes that are equal for equal values only: for hashing and for keys of maps.
    pub fn write_key(&self, key: &mut Vec<u8>) {
        let mut variable = |tag: u8, bytes: &[u8]| {
            key.push(tag);
            key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            key.extend_from_slice(bytes);
        };
        match *self {
            Self::Null => key.push(0),
            Self::Bool(value) => key.extend_from_slice(&[1, u8::from(value)]),
            Self::Int(value) => {
                key.push(2);
                key.extend_from_slice(&value.to_le_bytes());
            }
            Self::Float(value) => {
                // -0.0 equals 0.0, and all NaNs count as one.
                let value = if value == 0.0 { 0.0 } else { value };
                let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
                key.push(3);
                key.extend_from_slice(&bits.to_le_bytes());
            }
            Self::Decimal(value, scale) => {
                key.push(4);
                key.extend_from_slice(&value.to_le_bytes());
                key.push(scale as u8);
            }
            Self::Decimal256(value, scale) => {
                key.push(7);
                key.extend_from_slice(&value);
                key.push(scale as u8);
            }
            Self::Interval { months, days, nanos } => {
                key.push(8);
                key.extend_from_slice(&months.to_le_bytes());
                key.extend_from_slice(&days.to_le_bytes());
                key.extend_from_slice(&nanos.to_le_bytes());
            }
            Self::Str(text) => variable(5, text.as_bytes()),
            Self::Bytes(bytes) => variable(6, bytes),
        }
    }
}

impl std::fmt::Display for Scalar<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(value) => write!(formatter, "{value}"),
            Self::Int(value) => write!(formatter, "{value}"),
            Self::Float(value) => write!(formatter, "{value}"),
            Self::Decimal(value, scale) if *scale > 0 => {
                let digits = value.unsigned_abs();
                let unit = 10_u128.pow((*scale as u32).min(38));
                let sign = if *value < 0 { "-" } else { "" };
                let width = *scale as usize;
                write!(formatter, "{sign}{}.{:0width$}", digits / unit, digits % unit)
            }
            Self::Decimal(value, scale) => {
                write!(formatter, "{value}{}", "0".repeat(usize::from(scale.unsigned_abs())))
            }
            Self::Decimal256(value, scale) => write_wide(formatter, value, *scale),
            Self::Interval { months, days, nanos } => {
                write!(formatter, "{months} months {days} days {nanos} ns")
            }
            Self::Str(text) => formatter.write_str(text),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}")),
        }
    }
}

/// Writes a decimal of 256 bits: divided by ten, again and again.
fn write_wide(
    formatter: &mut std::fmt::Formatter<'_>,
    value: &[u8; 32],
    scale: i8,
) -> std::fmt::Result {
    let mut magnitude = *value;
    let is_negative = value[31] >= 0x80;
    if is_negative {
        let mut carry = true;
        for byte in &mut magnitude {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u32;
        for byte in magnitude.iter_mut().rev() {
            rest = rest << 8 | u32::from(*byte);
            *byte = (rest / 10) as u8;
            rest %= 10;
        }
        digits.push(char::from(b'0' + rest as u8));
    }
    let fraction = usize::from(scale.max(0).unsigned_abs());
    while digits.len() <= fraction {
        digits.push('0');
    }
    let text: String = digits.iter().rev().collect();
    let (whole, fraction) = text.split_at(text.len() - fraction);
    let sign = if is_negative { "-" } else { "" };
    let zeros = "0".repeat(usize::from(scale.min(0).unsigned_abs()));
    let point = if fraction.is_empty() { "" } else { "." };
    write!(formatter, "{sign}{whole}{zeros}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_decimals_are_written_out() {
        let wide = |value: i128| {
            let mut bytes = if value < 0 { [255; 32] } else { [0; 32] };
            bytes[..16].copy_from_slice(&value.to_le_bytes());
            bytes
        };
        for (value, scale, text) in [
            (0, 2, "0.00"),
            (-5, 1, "-0.5"),
            (1234, 2, "12.34"),
            (7, -2, "700"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(Scalar::Decimal256(wide(value), scale).to_string(), text);
        }
        assert_eq!(Scalar::Decimal256([255; 32], 0).to_string(), "-1");
    }
}
