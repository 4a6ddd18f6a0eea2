//! Finds rows of a table by their keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::config::DuplicatePolicy;

/// The rows of a table by key.
#[derive(Default)]
pub struct Index {
    rows: HashMap<Vec<u8>, u32>,
    /// How long the beginnings are that are looked for, the longest first.
    prefix_lengths: Vec<usize>,
    ranges: HashMap<Vec<u8>, Vec<Range>>,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    from: i128,
    /// Not part of the range.
    to: i128,
    row: u32,
}

/// The bytes by which rows are found. Each part has its length before it, so that no two lists of parts are the same bytes.
#[derive(Debug, Default)]
pub struct Key {
    bytes: Vec<u8>,
    ignore_case: bool,
}

impl Key {
    pub fn new(ignore_case: bool) -> Self {
        Self { bytes: Vec::new(), ignore_case }
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Adds a value that is to be equal.
    pub fn push(&mut self, text: &str) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.push_folded(text);
        // A column of text holds less than 2 GiB.
        let length = (self.bytes.len() - start - 4) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Adds a text of which a beginning is looked for: the last part of a key. How many bytes it takes.
    pub fn push_prefix(&mut self, text: &str) -> usize {
        let start = self.bytes.len();
        self.push_folded(text);
        self.bytes.len() - start
    }

    fn push_folded(&mut self, text: &str) {
        if !self.ignore_case {
            self.bytes.extend_from_slice(text.as_bytes());
        } else if text.is_ascii() {
            self.bytes.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
        } else {
            self.bytes.extend_from_slice(text.to_lowercase().as_bytes());
        }
    }
}

impl Index {
    /// Adds a row. An error is the row that has the key already.
    pub fn add(&mut self, key: &Key, row: u32, policy: DuplicatePolicy) -> Result<(), u32> {
        match self.rows.entry(key.bytes.clone()) {
            Entry::Vacant(place) => {
                place.insert(row);
            }
            Entry::Occupied(mut place) => match policy {
                DuplicatePolicy::Refuse => return Err(*place.get()),
                DuplicatePolicy::First => {}
                DuplicatePolicy::Last => {
                    place.insert(row);
                }
            },
        }
        Ok(())
    }

    /// The same for a key that ends with a beginning of so many bytes.
    pub fn add_prefix(
        &mut self,
        key: &Key,
        length: usize,
        row: u32,
        policy: DuplicatePolicy,
    ) -> Result<(), u32> {
        if let Err(place) = self.prefix_lengths.binary_search_by(|other| length.cmp(other)) {
            self.prefix_lengths.insert(place, length);
        }
        self.add(key, row, policy)
    }

    /// Adds a row for values from `from` on, and below `to`.
    pub fn add_range(&mut self, key: &Key, from: i128, to: i128, row: u32) {
        self.ranges.entry(key.bytes.clone()).or_default().push(Range { from, to, row });
    }

    /// Puts ranges in order. An error is two rows whose ranges have values in common.
    pub fn sort_ranges(&mut self) -> Result<(), (u32, u32)> {
        let mut overlap: Option<(u32, u32)> = None;
        #[expect(
            clippy::iter_over_hash_type,
            reason = "of the overlaps, the first by rows is told"
        )]
        for ranges in self.ranges.values_mut() {
            ranges.sort_by_key(|range| (range.from, range.row));
            for pair in ranges.windows(2) {
                if pair[1].from < pair[0].to {
                    let rows = (pair[0].row.min(pair[1].row), pair[0].row.max(pair[1].row));
                    overlap = Some(overlap.map_or(rows, |other| other.min(rows)));
                }
            }
        }
        overlap.map_or(Ok(()), Err)
    }

    /// The row of a key.
    pub fn find(&self, key: &Key) -> Option<u32> {
        self.rows.get(&key.bytes).copied()
    }

    /// The row whose key is the longest beginning of this one, which ends with a text of `length` bytes.
    pub fn find_prefix(&self, key: &Key, length: usize) -> Option<u32> {
        let start = key.bytes.len() - length;
        self.prefix_lengths
            .iter()
            .filter(|prefix| **prefix <= length)
            .find_map(|prefix| self.rows.get(&key.bytes[..start + prefix]).copied())
    }

    /// Whether there are ranges for a key.
    pub fn has_ranges(&self, key: &Key) -> bool {
        self.ranges.contains_key(&key.bytes)
    }

    /// The row in whose range a value is.
    pub fn find_range(&self, key: &Key, value: i128) -> Option<u32> {
        let ranges = self.ranges.get(&key.bytes)?;
        let after = ranges.partition_point(|range| range.from <= value);
        let range = ranges[..after].last()?;
        (value < range.to).then_some(range.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[&str]) -> Key {
        let mut key = Key::new(true);
        parts.iter().for_each(|part| key.push(part));
        key
    }

    #[test]
    fn keys_are_of_parts() {
        let mut index = Index::default();
        index.add(&key(&["ab", "c"]), 1, DuplicatePolicy::Refuse).unwrap();
        assert_eq!(index.find(&key(&["AB", "C"])), Some(1));
        assert_eq!(index.find(&key(&["a", "bc"])), None);
        assert_eq!(index.add(&key(&["AB", "c"]), 2, DuplicatePolicy::Refuse), Err(1));
        index.add(&key(&["ab", "c"]), 3, DuplicatePolicy::First).unwrap();
        assert_eq!(index.find(&key(&["ab", "c"])), Some(1));
        index.add(&key(&["ab", "c"]), 4, DuplicatePolicy::Last).unwrap();
        assert_eq!(index.find(&key(&["ab", "c"])), Some(4));
        index.add(&key(&["ÜBER", ""]), 5, DuplicatePolicy::Refuse).unwrap();
        assert_eq!(index.find(&key(&["über", ""])), Some(5));
    }

    #[test]
    fn the_longest_prefix() {
        let mut index = Index::default();
        let prefixed = |text: &str| {
            let mut key = Key::new(false);
            key.push("de");
            let length = key.push_prefix(text);
            (key, length)
        };
        for (row, text) in ["", "0", "030", "03", "ü"].into_iter().enumerate() {
            let (key, length) = prefixed(text);
            index.add_prefix(&key, length, row as u32, DuplicatePolicy::Refuse).unwrap();
        }
        for (text, expected) in [
            ("03012", Some(2)),
            ("030", Some(2)),
            ("031", Some(3)),
            ("04", Some(1)),
            ("9", Some(0)),
            ("", Some(0)),
            ("ün", Some(4)),
        ] {
            let (key, length) = prefixed(text);
            assert_eq!(index.find_prefix(&key, length), expected, "{text}");
        }
    }

    #[test]
    fn ranges_do_not_overlap() {
        let mut index = Index::default();
        let key = key(&[]);
        index.add_range(&key, 10, 20, 0);
        index.add_range(&key, i128::MIN, 5, 1);
        index.add_range(&key, 20, i128::MAX, 2);
        index.sort_ranges().unwrap();
        for (value, expected) in [
            (4, Some(1)),
            (5, None),
            (10, Some(0)),
            (19, Some(0)),
            (20, Some(2)),
            (i128::MIN, Some(1)),
        ] {
            assert_eq!(index.find_range(&key, value), expected, "{value}");
        }
        index.add_range(&key, 19, 20, 3);
        assert_eq!(index.sort_ranges(), Err((0, 3)));
    }
}
