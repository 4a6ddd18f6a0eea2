//! The condition `where`: which rows of a batch a rule judges.

use wasmill_plugin_sdk::bitmap::Bitmap;
use wasmill_plugin_sdk::prelude::*;

use crate::column::{ColumnValues, Columns, Values};
use crate::config::ConditionConfig;
use crate::row::set::AnySet;
use crate::rows::RowSet;

/// A condition on one column.
pub struct Condition {
    column: usize,
    test: Test,
}

enum Test {
    IsNull(bool),
    /// Whether the value is among these, or is not. Null is neither.
    In(AnySet, bool),
}

impl Condition {
    /// Checks the condition at `pointer` against the columns.
    pub fn bind(
        config: ConditionConfig,
        pointer: &str,
        columns: &mut Columns,
        plan: &mut ReadPlan,
    ) -> Result<Self> {
        let name = &config.column;
        let mut given = Vec::new();
        given.extend(config.equals.map(|value| ("equals", vec![value], true)));
        given.extend(config.not_equals.map(|value| ("not_equals", vec![value], false)));
        given.extend(config.one_of.map(|values| ("in", values, true)));
        match (given.pop(), config.is_null) {
            (None, Some(is_null)) => {
                Ok(Self { column: columns.nulls(plan, name)?, test: Test::IsNull(is_null) })
            }
            (Some((key, constants, member)), None) if given.is_empty() => {
                let column = columns.values(plan, name)?;
                let pointer = format!("{pointer}/{key}");
                let set = AnySet::new(&constants, columns.get(column), &pointer, key == "in")?;
                Ok(Self { column, test: Test::In(set, member) })
            }
            _ => {
                let message = "needs exactly one of `equals`, `not_equals`, `in` and `is_null`";
                Err(Error::bad_config(pointer, message))
            }
        }
    }

    /// The rows that meet the condition, of a batch of `rows` rows.
    pub fn rows(&self, columns: &[ColumnValues], rows: usize) -> RowSet {
        let column = &columns[self.column];
        let (set, member) = match &self.test {
            Test::IsNull(is_null) => {
                return RowSet::Some(Bitmap::from_fn(rows, |row| column.is_null(row) == *is_null));
            }
            Test::In(set, member) => (set, *member),
        };
        let met = match (set, &column.values) {
            (AnySet::Ints(set), Values::Ints(values)) => {
                Bitmap::from_fn(rows, |row| set.contains(values[row]) == member)
            }
            (AnySet::WideInts(set), Values::WideInts(values)) => {
                Bitmap::from_fn(rows, |row| set.contains(values[row]) == member)
            }
            (AnySet::Floats(set), Values::Floats(values)) => {
                Bitmap::from_fn(rows, |row| set.contains(values[row]) == member)
            }
            (AnySet::Text(set), Values::Text(values)) => {
                Bitmap::from_fn(rows, |row| set.contains(values[row]) == member)
            }
            _ => unreachable!("a set is bound to the form of its column"),
        };
        RowSet::Some(met).and(column.valid.as_ref())
    }
}
