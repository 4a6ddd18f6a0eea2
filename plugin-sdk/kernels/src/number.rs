//! Comparing and computing with numbers. Buffers need not be aligned.

use crate::bits::bitmap;

/// The types of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float32,
    Float64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// What is compared with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar {
    Integer(i64),
    Float(f64),
}

/// A bitmap of the numbers that compare so. Integers are compared with integers and floats with floats; otherwise nothing holds.
pub fn compare(of: Number, values: &[u8], comparison: Comparison, other: Scalar) -> Vec<u8> {
    macro_rules! with {
        ($type:ty, $wide:ty, $other:expr) => {{
            let other: $wide = $other;
            let read =
                |bytes: &[u8; size_of::<$type>()]| <$wide>::from(<$type>::from_le_bytes(*bytes));
            compared(values.as_chunks().0, comparison, other, read)
        }};
    }
    match (of, other) {
        (Number::Int8, Scalar::Integer(other)) => with!(i8, i64, other),
        (Number::Int16, Scalar::Integer(other)) => with!(i16, i64, other),
        (Number::Int32, Scalar::Integer(other)) => with!(i32, i64, other),
        (Number::Int64, Scalar::Integer(other)) => with!(i64, i64, other),
        (Number::UInt8, Scalar::Integer(other)) => with!(u8, i64, other),
        (Number::UInt16, Scalar::Integer(other)) => with!(u16, i64, other),
        (Number::UInt32, Scalar::Integer(other)) => with!(u32, i64, other),
        (Number::UInt64, Scalar::Integer(other)) => with!(u64, i128, other.into()),
        (Number::Float32, Scalar::Float(other)) => with!(f32, f64, other),
        (Number::Float64, Scalar::Float(other)) => with!(f64, f64, other),
        _ => vec![0; (values.len() / size_of_number(of)).div_ceil(8)],
    }
}

fn size_of_number(of: Number) -> usize {
    match of {
        Number::Int8 | Number::UInt8 => 1,
        Number::Int16 | Number::UInt16 => 2,
        Number::Int32 | Number::UInt32 | Number::Float32 => 4,
        Number::Int64 | Number::UInt64 | Number::Float64 => 8,
    }
}

fn compared<T: PartialOrd + Copy, const SIZE: usize>(
    values: &[[u8; SIZE]],
    comparison: Comparison,
    other: T,
    read: impl Fn(&[u8; SIZE]) -> T,
) -> Vec<u8> {
    // One loop for each, so that none has a branch in it.
    match comparison {
        Comparison::Equal => bitmap(values.iter().map(|bytes| read(bytes) == other)),
        Comparison::NotEqual => bitmap(values.iter().map(|bytes| read(bytes) != other)),
        Comparison::Less => bitmap(values.iter().map(|bytes| read(bytes) < other)),
        Comparison::AtMost => bitmap(values.iter().map(|bytes| read(bytes) <= other)),
        Comparison::Greater => bitmap(values.iter().map(|bytes| read(bytes) > other)),
        Comparison::AtLeast => bitmap(values.iter().map(|bytes| read(bytes) >= other)),
    }
}

/// Floats of 64 bits, each with one more; `reversed` puts that one first.
pub fn combine(operation: Operation, values: &[u8], other: f64, reversed: bool) -> Vec<u8> {
    let made = |compute: fn(f64, f64) -> f64| -> Vec<u8> {
        let floats = values.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes));
        if reversed {
            floats.flat_map(|one| compute(other, one).to_le_bytes()).collect()
        } else {
            floats.flat_map(|one| compute(one, other).to_le_bytes()).collect()
        }
    };
    computed(operation, made)
}

/// Floats of 64 bits, in pairs.
pub fn combine_pairs(operation: Operation, values: &[u8], others: &[u8]) -> Vec<u8> {
    let made = |compute: fn(f64, f64) -> f64| -> Vec<u8> {
        let floats = |bytes: &'_ [u8]| -> Vec<f64> {
            bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
        };
        let pairs = floats(values).into_iter().zip(floats(others));
        pairs.flat_map(|(one, other)| compute(one, other).to_le_bytes()).collect()
    };
    computed(operation, made)
}

fn computed(operation: Operation, made: impl Fn(fn(f64, f64) -> f64) -> Vec<u8>) -> Vec<u8> {
    match operation {
        Operation::Add => made(|one, other| one + other),
        Operation::Subtract => made(|one, other| one - other),
        Operation::Multiply => made(|one, other| one * other),
        Operation::Divide => made(|one, other| one / other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn every_type_is_compared() {
        use Comparison::{AtLeast, AtMost, Equal, Greater, Less, NotEqual};
        let bytes: Vec<u8> = [-1_i32, 0, 7].iter().flat_map(|value| value.to_le_bytes()).collect();
        let seven = Scalar::Integer(7);
        for (comparison, expected) in [
            (Equal, [0b100]),
            (NotEqual, [0b011]),
            (Less, [0b011]),
            (AtMost, [0b111]),
            (Greater, [0b000]),
            (AtLeast, [0b100]),
        ] {
            assert_eq!(compare(Number::Int32, &bytes, comparison, seven), expected);
        }
        let large = u64::MAX.to_le_bytes();
        assert_eq!(compare(Number::UInt64, &large, Greater, Scalar::Integer(i64::MAX)), [1]);
        assert_eq!(compare(Number::Int64, &large, Less, Scalar::Integer(0)), [1]);
        assert_eq!(compare(Number::Int8, &[0xff], Less, Scalar::Integer(0)), [1]);
        assert_eq!(compare(Number::UInt8, &[0xff], Equal, Scalar::Integer(255)), [1]);
        // Exact, where the other one cannot be had as a float of 32 bits.
        assert_eq!(
            compare(Number::Float32, &0.1_f32.to_le_bytes(), Equal, Scalar::Float(0.1)),
            [0]
        );
        let odd = floats(&[f64::NAN, -0.0]);
        assert_eq!(compare(Number::Float64, &odd, Equal, Scalar::Float(0.0)), [0b10]);
        assert_eq!(compare(Number::Float64, &odd, NotEqual, Scalar::Float(0.0)), [0b01]);
        assert_eq!(compare(Number::Float64, &odd, Less, seven), [0], "of two sorts");
    }

    #[test]
    fn floats_are_computed_with() {
        let values = floats(&[1.5, -2.0]);
        assert_eq!(combine(Operation::Multiply, &values, 2.0, false), floats(&[3.0, -4.0]));
        assert_eq!(combine(Operation::Subtract, &values, 1.0, true), floats(&[-0.5, 3.0]));
        assert_eq!(
            combine(Operation::Divide, &values, 0.0, false),
            floats(&[f64::INFINITY, f64::NEG_INFINITY])
        );
        assert_eq!(combine_pairs(Operation::Add, &values, &values), floats(&[3.0, -4.0]));
    }
}
