//! Which rows are shown: some of each kind, those that did not pass as they were before those that did.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use crate::sample::report::RowFate;

/// Rows of one kind have the same fate, the same was told of them, and the same columns have other values.
pub(super) type Kind = (RowFate, BTreeSet<(String, Option<String>)>, BTreeSet<usize>);

/// Chooses up to `most` rows. Each fate has its turn, and within a fate each kind; rows that passed as they were, and of which
/// nothing was told, only fill up what is left. The places of the rows, ascending.
pub(super) fn choose(kinds: &[Kind], most: usize) -> Vec<usize> {
    let mut by_fate: IndexMap<RowFate, IndexMap<&Kind, Vec<usize>>> = IndexMap::new();
    let mut ordinary = Vec::new();
    for (place, kind) in kinds.iter().enumerate() {
        if kind.0 == RowFate::Same && kind.1.is_empty() {
            ordinary.push(place);
            continue;
        }
        by_fate.entry(kind.0).or_default().entry(kind).or_default().push(place);
    }
    by_fate.sort_unstable_keys();
    let by_fate = by_fate.into_values().map(|kinds| in_turn(kinds.into_values().collect()));
    let mut chosen = in_turn(by_fate.collect());
    chosen.extend(ordinary);
    chosen.truncate(most);
    chosen.sort_unstable();
    chosen
}

/// The first of each list, then the second of each, and so on.
fn in_turn(lists: Vec<Vec<usize>>) -> Vec<usize> {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|turn| lists.iter().filter_map(move |list| list.get(turn)));
    turns.copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(fate: RowFate, rule: &str, changed: &[usize]) -> Kind {
        let rules = (!rule.is_empty()).then(|| (rule.to_owned(), None));
        (fate, rules.into_iter().collect(), changed.iter().copied().collect())
    }

    #[test]
    fn each_kind_has_its_turn() {
        let mut kinds = vec![kind(RowFate::Same, "", &[]); 3];
        kinds.extend(vec![kind(RowFate::Changed, "", &[1]); 50]);
        kinds.push(kind(RowFate::Changed, "", &[1, 2]));
        kinds.extend(vec![kind(RowFate::Rejected, "a", &[]); 20]);
        kinds.push(kind(RowFate::Rejected, "b", &[]));
        kinds.push(kind(RowFate::Same, "warned", &[]));
        // Of both rejecting rules, of both kinds of changes, and what was warned of.
        assert_eq!(choose(&kinds, 5), [3, 53, 54, 74, 75]);
        assert_eq!(choose(&kinds, 1), [54]);
        assert_eq!(choose(&kinds, 1_000).len(), kinds.len());
    }

    #[test]
    fn rows_that_stay_fill_up_what_is_left() {
        let same = kind(RowFate::Same, "", &[]);
        let kinds = [same.clone(), same.clone(), kind(RowFate::LeftOut, "", &[]), same];
        assert_eq!(choose(&kinds, 2), [0, 2]);
        assert!(choose(&[], 5).is_empty());
    }
}
