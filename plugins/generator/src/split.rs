//! Splits: ranges of rows.

use std::ops::Range;

use wasmill_plugin_sdk::extractor::Split;
use wasmill_plugin_sdk::prelude::*;

/// Divides `rows` rows into at most `count` ranges of nearly the same length, none of them empty.
pub fn plan(rows: u64, count: u32) -> Vec<Split> {
    let count = u64::from(count).min(rows);
    let mut start = 0;
    (0..count)
        .map(|index| {
            let length = rows / count + u64::from(index < rows % count);
            let range = start..start + length;
            start = range.end;
            let descriptor = format!("{}-{}", range.start, range.end);
            Split { id: descriptor.clone(), descriptor, rows: Some(length), bytes: None }
        })
        .collect()
}

/// The rows of a split of a table of `rows` rows.
///
/// # Errors
///
/// [`Error::Fatal`] where `descriptor` is none that [`plan`] gives for such a table.
pub fn range(descriptor: &str, rows: u64) -> Result<Range<u64>> {
    let range = descriptor
        .split_once('-')
        .and_then(|(start, end)| Some(start.parse().ok()?..end.parse().ok()?))
        .filter(|range: &Range<u64>| range.start <= range.end && range.end <= rows);
    range.ok_or_else(|| {
        Error::fatal(format!("the split {descriptor:?} is none of a table of {rows} rows"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_cover_the_rows_in_order() {
        for (rows, count) in [(0, 3), (1, 3), (10, 3), (12, 3), (1_000, 7), (u64::MAX, 8)] {
            let splits = plan(rows, count);
            assert_eq!(splits.len() as u64, rows.min(u64::from(count)));
            let mut next = 0;
            for split in &splits {
                let range = range(&split.descriptor, rows).unwrap();
                assert_eq!(range.start, next);
                assert_eq!(split.rows, Some(range.end - range.start));
                assert!(split.rows.unwrap().abs_diff(rows / u64::from(count)) <= 1);
                next = range.end;
            }
            assert_eq!(next, rows);
        }
    }

    #[test]
    fn what_is_no_split_is_refused() {
        for descriptor in ["", "5", "5-", "-5", "6-5", "0-11", "a-b"] {
            assert!(matches!(range(descriptor, 10), Err(Error::Fatal(_))), "{descriptor:?}");
        }
    }
}
