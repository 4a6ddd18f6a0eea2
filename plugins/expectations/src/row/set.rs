//! The checks `in_set` and `not_in_set`, and the conditions that look for constants.

use std::cmp::Ordering;

use wasmill_plugin_sdk::{Error, Result};

use crate::column::BoundColumn;
use crate::constant::{Constant, Rounding};
use crate::kind::{Form, Kind};

/// Up to this many members are looked through one by one, which is faster than to halve them.
const FEW: usize = 8;

/// Constants in the form of a column.
#[derive(Debug)]
pub enum AnySet {
    Ints(Set<i64>),
    WideInts(Set<i128>),
    Floats(FloatSet),
    Text(TextSet),
}

/// Integers, sorted.
#[derive(Debug)]
pub struct Set<T>(Vec<T>);

/// Floats, sorted; without negative zero, which equals zero.
#[derive(Debug)]
pub struct FloatSet(Vec<f64>);

/// Texts, sorted by length and then by bytes, as most comparisons are settled by the length.
#[derive(Debug)]
pub struct TextSet(Vec<Box<str>>);

impl AnySet {
    /// The constants at `pointer`, or below it where they are a list, as values of the column.
    pub fn new(
        constants: &[Constant],
        column: &BoundColumn,
        pointer: &str,
        is_list: bool,
    ) -> Result<Self> {
        if constants.is_empty() {
            return Err(Error::bad_config(pointer, "is empty: list at least one value"));
        }
        if matches!(column.kind, Kind::Bytes | Kind::Null) {
            let message = format!("{}, to which no constant can be equal", column.described());
            return Err(Error::bad_config(pointer, message));
        }
        let at = |index: usize, message: String| {
            let pointer = if is_list { format!("{pointer}/{index}") } else { pointer.to_owned() };
            Error::bad_config(pointer, message)
        };
        let numbered = constants.iter().enumerate();
        Ok(match (column.form, column.kind) {
            (_, Kind::Float { single }) => {
                let values = numbered.map(|(index, constant)| {
                    constant.float(single).map_err(|message| at(index, message))
                });
                Self::Floats(FloatSet::new(values.collect::<Result<_>>()?))
            }
            (Form::Text, _) => {
                let values = numbered.map(|(index, constant)| {
                    let text = constant.text().map_err(|message| at(index, message))?;
                    Ok(Box::from(text))
                });
                Self::Text(TextSet::new(values.collect::<Result<_>>()?))
            }
            (form, kind) => {
                let values = numbered.map(|(index, constant)| {
                    constant.integer(kind, Rounding::None).map_err(|message| at(index, message))
                });
                let values: Vec<i128> = values.collect::<Result<_>>()?;
                if form == Form::Ints {
                    // What does not fit into 64 bits equals no value of the column.
                    let fitting = values.into_iter().flat_map(i64::try_from);
                    Self::Ints(Set::new(fitting.collect()))
                } else {
                    Self::WideInts(Set::new(values))
                }
            }
        })
    }
}

impl<T: Ord + Copy> Set<T> {
    fn new(mut members: Vec<T>) -> Self {
        members.sort_unstable();
        members.dedup();
        Self(members)
    }

    #[inline]
    pub fn contains(&self, value: T) -> bool {
        if self.0.len() <= FEW {
            self.0.contains(&value)
        } else {
            self.0.binary_search(&value).is_ok()
        }
    }
}

impl FloatSet {
    fn new(mut members: Vec<f64>) -> Self {
        // Adding zero turns negative zero into zero.
        members.iter_mut().for_each(|member| *member += 0.0);
        members.sort_unstable_by(f64::total_cmp);
        Self(members)
    }

    #[inline]
    pub fn contains(&self, value: f64) -> bool {
        if self.0.len() <= FEW {
            self.0.contains(&value)
        } else {
            let value = value + 0.0;
            self.0.binary_search_by(|member| member.total_cmp(&value)).is_ok()
        }
    }
}

impl TextSet {
    fn new(mut members: Vec<Box<str>>) -> Self {
        members.sort_unstable_by(|left, right| shortest_first(left, right));
        Self(members)
    }

    #[inline]
    pub fn contains(&self, value: &str) -> bool {
        if self.0.len() <= FEW {
            self.0.iter().any(|member| **member == *value)
        } else {
            self.0.binary_search_by(|member| shortest_first(member, value)).is_ok()
        }
    }
}

fn shortest_first(left: &str, right: &str) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_sets_hold_the_same() {
        for size in [1, FEW, FEW + 1, 1_000] {
            let ints = Set::new((0..size as i64).map(|value| value * 2).collect());
            let floats = FloatSet::new((0..size).map(|value| value as f64 * -2.0).collect());
            let texts = (0..size).map(|value| (value * 2).to_string().into_boxed_str());
            let texts = TextSet::new(texts.collect());
            for value in 0..2 * size {
                let even = value % 2 == 0;
                assert_eq!(ints.contains(value as i64), even);
                assert_eq!(floats.contains(-(value as f64)), even);
                assert_eq!(texts.contains(&value.to_string()), even);
            }
            assert!(floats.contains(0.0) && floats.contains(-0.0) && !floats.contains(f64::NAN));
        }
    }
}
