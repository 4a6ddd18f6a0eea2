//! What the component exports: WIT's types to those of the crate, and back.

#![expect(unsafe_code, reason = "what wit-bindgen makes")]

use std::cell::RefCell;

use crate::pattern::{self, Automaton, Dialect};
use crate::{bits, number, text};

wit_bindgen::generate!({ path: "wit", world: "kernels" });

use exports::wasmill::kernels::columns::{self, Guest, Text};

thread_local! {
    /// The expressions that were compiled, by their numbers.
    static EXPRESSIONS: RefCell<Vec<Automaton>> = const { RefCell::new(Vec::new()) };
}

struct Kernels;

export!(Kernels);

impl Guest for Kernels {
    fn compare(
        of: columns::Number,
        values: Vec<u8>,
        comparison: columns::Comparison,
        other: columns::Scalar,
    ) -> Vec<u8> {
        number::compare(of.into(), &values, comparison.into(), other.into())
    }

    fn combine(
        operation: columns::Operation,
        values: Vec<u8>,
        other: f64,
        reversed: bool,
    ) -> Vec<u8> {
        number::combine(operation.into(), &values, other, reversed)
    }

    fn combine_pairs(operation: columns::Operation, values: Vec<u8>, others: Vec<u8>) -> Vec<u8> {
        number::combine_pairs(operation.into(), &values, &others)
    }

    fn combine_bitmaps(logic: columns::Logic, first: Vec<u8>, second: Vec<u8>) -> Vec<u8> {
        let logic = match logic {
            columns::Logic::Both => bits::Logic::Both,
            columns::Logic::Either => bits::Logic::Either,
            columns::Logic::FirstOnly => bits::Logic::FirstOnly,
        };
        bits::combine(logic, &first, &second)
    }

    fn pack(bytes: Vec<u8>) -> Vec<u8> {
        bits::pack(&bytes)
    }

    fn unpack(bitmap: Vec<u8>, length: u32) -> Vec<u8> {
        bits::unpack(&bitmap, length as usize)
    }

    fn positions(bitmap: Vec<u8>) -> Vec<u32> {
        bits::positions(&bitmap)
    }

    fn joined(texts: Text) -> Option<columns::TwoParts> {
        let text::TwoParts { ascii, others, positions } = text::joined(borrowed(&texts))?;
        Some(columns::TwoParts { ascii, others, positions })
    }

    fn separated(joined: String, count: u32) -> Option<Text> {
        text::separated(&joined, count as usize).map(Into::into)
    }

    fn recase(texts: Text, upper: bool) -> Text {
        text::recase(borrowed(&texts), upper).into()
    }

    fn compile(pattern: String, dialect: columns::Dialect, ignore_case: bool) -> Option<u32> {
        let dialect = match dialect {
            columns::Dialect::Python => Dialect::Python,
            columns::Dialect::Javascript => Dialect::JavaScript,
        };
        let automaton = Automaton::new(&pattern, dialect, ignore_case)?;
        EXPRESSIONS.with_borrow_mut(|expressions| {
            expressions.push(automaton);
            Some(expressions.len() as u32 - 1)
        })
    }

    fn matches(expression: u32, texts: Text) -> (Vec<u8>, Vec<u32>) {
        EXPRESSIONS.with_borrow(|expressions| {
            pattern::matches(expressions.get(expression as usize), borrowed(&texts))
        })
    }

    fn contains(texts: Text, part: Vec<u8>) -> Vec<u8> {
        text::contains(borrowed(&texts), &part)
    }

    fn is_in(texts: Text, wanted: Vec<String>) -> Vec<u8> {
        text::is_in(borrowed(&texts), &wanted)
    }

    fn part(texts: Text, separator: Vec<u8>, index: u32) -> (Text, Vec<u8>) {
        let (made, found) = text::part(borrowed(&texts), &separator, index);
        (made.into(), found)
    }
}

impl From<text::NewTexts> for Text {
    fn from(text::NewTexts { offsets, values }: text::NewTexts) -> Self {
        Self { offsets, values }
    }
}

fn borrowed(texts: &Text) -> text::Texts<'_> {
    text::Texts::new(&texts.offsets, &texts.values)
}

/// Enums and variants that are the same on both sides.
macro_rules! same {
    ($($name:ident { $($case:ident),* })*) => {
        $(impl From<columns::$name> for number::$name {
            fn from(name: columns::$name) -> Self {
                match name { $(columns::$name::$case => Self::$case),* }
            }
        })*
    };
}

same! {
    Comparison { Equal, NotEqual, Less, AtMost, Greater, AtLeast }
    Operation { Add, Subtract, Multiply, Divide }
}

impl From<columns::Scalar> for number::Scalar {
    fn from(scalar: columns::Scalar) -> Self {
        match scalar {
            columns::Scalar::Integer(integer) => Self::Integer(integer),
            columns::Scalar::Float(float) => Self::Float(float),
        }
    }
}

impl From<columns::Number> for number::Number {
    fn from(number: columns::Number) -> Self {
        match number {
            columns::Number::Int8 => Self::Int8,
            columns::Number::Int16 => Self::Int16,
            columns::Number::Int32 => Self::Int32,
            columns::Number::Int64 => Self::Int64,
            columns::Number::Uint8 => Self::UInt8,
            columns::Number::Uint16 => Self::UInt16,
            columns::Number::Uint32 => Self::UInt32,
            columns::Number::Uint64 => Self::UInt64,
            columns::Number::Float32 => Self::Float32,
            columns::Number::Float64 => Self::Float64,
        }
    }
}
