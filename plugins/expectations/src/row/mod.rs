//! Checks that judge one row at a time.
//!
//! Each is a loop over the values of a column that knows nothing of nulls: only the rare row that fails is
//! then looked up among the nulls and among the rows that the rule judges.

pub mod compare;
pub mod format;
pub mod length;
pub mod range;
pub mod set;

use regex::Regex;

use self::compare::Comparison;
use self::format::Format;
use self::length::Length;
use self::range::Range;
use self::set::AnySet;
use crate::column::{ColumnValues, Values};
use crate::rows::RowSet;

/// A check on the values of one column.
pub struct RowCheck {
    pub column: usize,
    pub test: Test,
}

/// What a value must satisfy.
pub enum Test {
    NotNull,
    NotBlank,
    /// Whether the value is to be in the set, or is not.
    In(AnySet, bool),
    Between(Range),
    Regex(Regex),
    Length(Length),
    ParsesAs(Format),
    Compare(Comparison),
}

impl RowCheck {
    /// Calls `fail` with each judged row that fails, in order.
    pub fn find_failures(
        &self,
        columns: &[ColumnValues],
        judged: &RowSet,
        mut fail: impl FnMut(usize),
    ) {
        let column = &columns[self.column];
        let mut fail_judged = |row| {
            if judged.contains(row) {
                fail(row);
            }
        };
        match &self.test {
            Test::NotNull => {
                if let Some(valid) = &column.valid {
                    (0..valid.len()).filter(|&row| !valid.get(row)).for_each(fail_judged);
                }
                return;
            }
            Test::NotBlank => {
                let Values::Text(values) = &column.values else { unreachable!("{BOUND}") };
                for (row, value) in values.iter().enumerate() {
                    if is_blank(value) || column.is_null(row) {
                        fail_judged(row);
                    }
                }
                return;
            }
            _ => {}
        }
        let mut fail_unless_null = |row| {
            if !column.is_null(row) {
                fail_judged(row);
            }
        };
        match (&self.test, &column.values) {
            (Test::In(AnySet::Ints(set), member), Values::Ints(values)) => {
                scan(values, |value| set.contains(value) == *member, fail_unless_null);
            }
            (Test::In(AnySet::WideInts(set), member), Values::WideInts(values)) => {
                scan(values, |value| set.contains(value) == *member, fail_unless_null);
            }
            (Test::In(AnySet::Floats(set), member), Values::Floats(values)) => {
                scan(values, |value| set.contains(value) == *member, fail_unless_null);
            }
            (Test::In(AnySet::Text(set), member), Values::Text(values)) => {
                scan(values, |value| set.contains(value) == *member, fail_unless_null);
            }
            (Test::Between(Range::Ints(low, high)), Values::Ints(values)) => {
                scan(values, |value| *low <= value && value <= *high, fail_unless_null);
            }
            (Test::Between(Range::WideInts(low, high)), Values::WideInts(values)) => {
                scan(values, |value| *low <= value && value <= *high, fail_unless_null);
            }
            (Test::Between(Range::Floats(low, high)), Values::Floats(values)) => {
                scan(values, |value| *low <= value && value <= *high, fail_unless_null);
            }
            (Test::Regex(regex), Values::Text(values)) => {
                scan(values, |value| regex.is_match(value), fail_unless_null);
            }
            (Test::Length(length), Values::Text(values)) => {
                scan(values, |value| length.fits(value), fail_unless_null);
            }
            (Test::ParsesAs(format), Values::Text(values)) => {
                scan(values, |value| format.reads(value), fail_unless_null);
            }
            (Test::Compare(comparison), values) => {
                let other = &columns[comparison.other];
                comparison.find_failures(values, &other.values, |row| {
                    if !other.is_null(row) {
                        fail_unless_null(row);
                    }
                });
            }
            _ => unreachable!("{BOUND}"),
        }
    }
}

const BOUND: &str = "a check is bound to the form of its column";

#[inline]
fn scan<V: Copy>(values: &[V], passes: impl Fn(V) -> bool, mut fail: impl FnMut(usize)) {
    for (row, &value) in values.iter().enumerate() {
        if !passes(value) {
            fail(row);
        }
    }
}

/// Whether a text is empty, or white space only.
fn is_blank(text: &str) -> bool {
    // Most text starts with an ASCII letter or digit, which settles it.
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}
