//! The reference: what a sink shows of the runs that were published.

use std::collections::BTreeMap;

/// What becomes of the rows that a sink holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// Append.
    All,
    /// Replace.
    Latest,
    /// Merge.
    LatestOfKey,
}

/// How many splits a run has.
pub(super) const SPLITS: i64 = 2;

/// A row, by its key and its run.
pub(super) type Row = (i64, String);

/// The key of a split's row: runs have theirs in turns, so that a merge keeps rows of two.
pub(super) fn key(split: i64, run: &str) -> i64 {
    let number: i64 = run.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap();
    2 * split + number % 2
}

/// What a sink shows when these runs were published, in this order.
pub(super) fn shown(keeps: Keeps, published: &[String]) -> Vec<Row> {
    let rows = |run: &String| (0..SPLITS).map(|split| (key(split, run), run.clone())).collect();
    let by_run = published.iter().map(rows).collect::<Vec<Vec<Row>>>();
    let mut shown = match keeps {
        Keeps::All => by_run.concat(),
        Keeps::Latest => by_run.last().cloned().unwrap_or_default(),
        Keeps::LatestOfKey => {
            by_run.concat().into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
        }
    };
    shown.sort();
    shown
}
