//! Rewriting a column value by value, without a copy where nothing changes.

use wasmill_plugin_sdk::builder::NewColumn;
use wasmill_plugin_sdk::column::Column;

/// What becomes of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    Unchanged,
    /// It becomes what `edit` wrote.
    Replaced,
    Null,
}

/// The column with each value as `edit` says; none where every value stays as it is. Nulls stay nulls.
///
/// `edit` gets a value and an empty string to write its replacement to.
pub fn rewrite(
    column: &Column<str>,
    mut edit: impl FnMut(&str, &mut String) -> Edit,
) -> Option<NewColumn<str>> {
    let mut text = String::new();
    // Made when the first value changes: most columns of most batches hold nothing to hide.
    let mut rewritten: Option<NewColumn<str>> = None;
    for row in 0..column.len() {
        let value = column.get(row);
        text.clear();
        let edited = value.map_or(Edit::Unchanged, |value| edit(value, &mut text));
        if edited == Edit::Unchanged && rewritten.is_none() {
            continue;
        }
        let rewritten = rewritten.get_or_insert_with(|| first_rows(column, row));
        match (edited, value) {
            (Edit::Unchanged, Some(value)) => rewritten.push(value),
            (Edit::Replaced, _) => rewritten.push(&text),
            (Edit::Unchanged | Edit::Null, _) => rewritten.push_null(),
        }
    }
    rewritten
}

/// The first `count` rows as they are, with room for the others.
fn first_rows(column: &Column<str>, count: usize) -> NewColumn<str> {
    let mut copy = NewColumn::<str>::with_capacity(column.len());
    for row in 0..count {
        match column.get(row) {
            Some(value) => copy.push(value),
            None => copy.push_null(),
        }
    }
    copy
}
