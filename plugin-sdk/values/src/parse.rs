//! Parsing text into values, and the values that can be parsed.

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::Type;

/// Parses the text of one value.
pub trait Parse<T> {
    /// None where `text` is no such value. White space is part of the text.
    fn parse(&self, text: &str) -> Option<T>;
}

/// A type of which values are parsed and nulls are filled: flat and of a fixed width.
pub trait Cell: for<'a> Type<Value<'a> = Self> + Copy {
    fn push(column: &mut NewColumn<Self>, value: Self);
}

macro_rules! cells {
    ($($type:ty),*) => {$(
        impl Cell for $type {
            fn push(column: &mut NewColumn<Self>, value: Self) {
                column.push(value);
            }
        }
    )*};
}

cells!(bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, Date, Timestamp, Decimal);

/// Integers: digits, with a sign or without.
#[derive(Debug, Clone, Copy)]
pub struct IntegerParser;

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Parse<$type> for IntegerParser {
            fn parse(&self, text: &str) -> Option<$type> {
                text.parse().ok()
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, u8, u16, u32, u64);

/// Floating-point numbers with a point, with an exponent or without. What is not finite is no number.
#[derive(Debug, Clone, Copy)]
pub struct FloatParser;

macro_rules! floats {
    ($($type:ty),*) => {$(
        impl Parse<$type> for FloatParser {
            fn parse(&self, text: &str) -> Option<$type> {
                text.parse().ok().filter(|number: &$type| number.is_finite())
            }
        }
    )*};
}

floats!(f32, f64);

/// Booleans, by the words that PostgreSQL takes.
#[derive(Debug, Clone, Copy)]
pub struct BooleanParser;

impl Parse<bool> for BooleanParser {
    fn parse(&self, text: &str) -> Option<bool> {
        let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        if is_one_of(&["true", "1", "yes", "t", "y", "on"]) {
            return Some(true);
        }
        is_one_of(&["false", "0", "no", "f", "n", "off"]).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_within_their_range() {
        for (text, expected) in [
            ("0", Some(0)),
            ("+7", Some(7)),
            ("-128", Some(-128)),
            ("007", Some(7)),
            ("128", None),
            ("", None),
            ("-", None),
            ("1.0", None),
            ("1e2", None),
            (" 1", None),
            ("1_000", None),
            ("١", None),
        ] {
            assert_eq!(Parse::<i8>::parse(&IntegerParser, text), expected, "{text}");
        }
        assert_eq!(IntegerParser.parse(&u64::MAX.to_string()), Some(u64::MAX));
        assert_eq!(Parse::<u8>::parse(&IntegerParser, "-1"), None);
    }

    #[test]
    fn floats_are_finite() {
        for (text, expected) in [
            ("1", Some(1.0)),
            ("-0.5", Some(-0.5)),
            (".5", Some(0.5)),
            ("1.5E3", Some(1500.0)),
            ("nan", None),
            ("-inf", None),
            ("1e999", None),
            ("1,5", None),
            ("", None),
        ] {
            assert_eq!(Parse::<f64>::parse(&FloatParser, text), expected, "{text}");
        }
    }

    #[test]
    fn booleans_are_words() {
        for (text, expected) in [
            ("True", Some(true)),
            ("Y", Some(true)),
            ("1", Some(true)),
            ("off", Some(false)),
            ("No", Some(false)),
            ("", None),
            ("2", None),
            ("truth", None),
        ] {
            assert_eq!(BooleanParser.parse(text), expected, "{text}");
        }
    }
}
