//! Which rows of a batch are rejected, and why.

use wasmill_plugin_sdk::bitmap::Bitmap;
use wasmill_plugin_sdk::prelude::*;

/// Longer values are cut in messages: what is wrong shows at the start, and the row itself is quarantined anyway.
const MAX_QUOTED_CHARACTERS: usize = 40;
/// Each quoted value may make a finding of its own, and those of a batch are limited. Where so much is bad, the
/// first values show it.
const MAX_QUOTED_VALUES: usize = 10_000;

/// The outcome of a batch, with the rows that were rejected so far.
pub struct Rejections<'a> {
    pub rows: &'a mut Rows,
    row_count: usize,
    /// 0 for rejected rows; none as long as there are none.
    accepted: Option<Bitmap>,
    quoted_values: usize,
}

impl<'a> Rejections<'a> {
    pub fn new(rows: &'a mut Rows, row_count: usize) -> Self {
        Self { rows, row_count, accepted: None, quoted_values: 0 }
    }

    /// Rejects a row because of a value that cannot be parsed.
    pub fn bad_value(&mut self, row: usize, column: &str, rule: &str, expected: &str, value: &str) {
        self.reject_value(row, column, rule, value, |value| format!("{value} is no {expected}"));
    }

    /// Rejects a row because of a value: `message` is made of the value in quotes, or of "a value" where too many were quoted
    /// already.
    pub fn reject_value(
        &mut self,
        row: usize,
        column: &str,
        rule: &str,
        value: &str,
        message: impl FnOnce(&str) -> String,
    ) {
        let message = if self.quoted_values < MAX_QUOTED_VALUES {
            self.quoted_values += 1;
            message(&quoted(value))
        } else {
            message("a value")
        };
        self.reject(row, column, rule, &message);
    }

    /// Rejects a row because it lacks a required value.
    pub fn missing(&mut self, row: usize, column: &str) {
        self.reject(row, column, "missing", "a required value is missing");
    }

    /// Whether the row was rejected.
    pub fn contains(&self, row: usize) -> bool {
        self.accepted.as_ref().is_some_and(|accepted| !accepted.get(row))
    }

    /// Rejects a row because of a value of one column.
    pub fn reject(&mut self, row: usize, column: &str, rule: &str, message: &str) {
        self.rows.reject_column(row, column, rule, message);
        self.accepted.get_or_insert_with(|| Bitmap::all_set(self.row_count)).clear(row);
    }
}

/// A value for messages, cut where it is long.
pub fn quoted(value: &str) -> String {
    match value.char_indices().nth(MAX_QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut() {
        assert_eq!(quoted("31/02/2025"), "\"31/02/2025\"");
        assert_eq!(quoted(&"é".repeat(40)), format!("\"{}\"", "é".repeat(40)));
        assert_eq!(quoted(&"é".repeat(41)), format!("\"{}\"…", "é".repeat(40)));
        assert_eq!(quoted("a\n"), "\"a\\n\"");
    }
}
