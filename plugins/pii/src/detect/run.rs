//! Runs: groups of digits with what may stand between the groups of one number, such as `+49 (0) 171/2345`.
//!
//! A run is only cut where no phone, card or date goes on: at a letter, a comma, a line break, a `+`. What the
//! groups mean is for [`super::date`], [`super::card`] and [`super::phone`] to say.

use std::ops::Range;

/// Digits without anything between them, and what stands before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    start: usize,
    end: usize,
    gap: Gap,
}

/// What stands between a group and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Nothing: it is the first group.
    First,
    Space,
    Hyphen,
    Point,
    Slash,
    /// An opening parenthesis, alone or after a space.
    Open,
    /// A closing parenthesis, alone or before a space, hyphen or slash.
    Close,
    /// A hyphen or slash with a space at its sides.
    Wide,
}

/// What stands right before the first group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// Nothing that could belong to a number.
    None,
    /// `(`.
    Open,
    /// `+`.
    Plus,
    /// `(+` or `+(`.
    PlusOpen,
}

/// The groups of a run within its text.
pub struct Run<'a> {
    text: &'a str,
    groups: &'a [Group],
    pub lead: Lead,
    /// Whether the first group, with its lead, stands apart from letters and digits before it.
    pub starts_apart: bool,
    /// Whether the last group stands apart from what follows.
    ends_apart: bool,
}

/// A character that may stand between groups.
#[derive(Clone, Copy)]
enum Mark {
    Space,
    Hyphen,
    Point,
    Slash,
    Open,
    Close,
}

impl<'a> Run<'a> {
    /// The run whose first digit is at `range.start`, read as far as `range.end`. Fills `groups`.
    pub fn read(text: &'a str, range: Range<usize>, groups: &'a mut Vec<Group>) -> Self {
        groups.clear();
        let bytes = &text.as_bytes()[..range.end];
        let mut start = range.start;
        let mut gap = Gap::First;
        let end = loop {
            let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let end = start + digits;
            groups.push(Group { start, end, gap });
            match read_gap(bytes, end) {
                Some((next_gap, next_start)) => (gap, start) = (next_gap, next_start),
                None => break end,
            }
        };
        let before = &text[..range.start];
        let (lead, apart_from) = match before.as_bytes() {
            [rest @ .., b'(', b'+'] | [rest @ .., b'+', b'('] => (Lead::PlusOpen, rest.len()),
            [rest @ .., b'+'] => (Lead::Plus, rest.len()),
            [rest @ .., b'('] => (Lead::Open, rest.len()),
            rest => (Lead::None, rest.len()),
        };
        let starts_apart = stands_apart_before(&text[..apart_from]);
        let ends_apart = stands_apart_after(&text[end..]);
        Self { text, groups, lead, starts_apart, ends_apart }
    }

    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// How many groups can be part of something: all but one that sticks to letters or goes on as a time.
    pub fn usable_len(&self) -> usize {
        self.groups.len() - usize::from(!self.ends_apart)
    }

    /// The digits of the group at `index`.
    pub fn digits(&self, index: usize) -> &'a [u8] {
        let Group { start, end, .. } = self.groups[index];
        &self.text.as_bytes()[start..end]
    }

    /// What stands before the group at `index`; none past the last group.
    pub fn gap(&self, index: usize) -> Option<Gap> {
        self.groups.get(index).map(|group| group.gap)
    }

    /// Where the group at `index` begins in the text.
    pub fn start(&self, index: usize) -> usize {
        self.groups[index].start
    }

    /// Where the group at `index` ends in the text.
    pub fn end(&self, index: usize) -> usize {
        self.groups[index].end
    }

    /// Whether the group at `index` is in parentheses of its own.
    pub fn is_parenthesized(&self, index: usize) -> bool {
        let opens = match index {
            0 => matches!(self.lead, Lead::Open | Lead::PlusOpen),
            _ => self.gap(index) == Some(Gap::Open),
        };
        opens && self.gap(index + 1) == Some(Gap::Close)
    }

    /// Where the text of a number begins whose first group is at `index`: its parenthesis and `+` belong to it.
    pub fn start_with_lead(&self, index: usize) -> usize {
        let start = self.start(index);
        let parenthesis = usize::from(self.is_parenthesized(index));
        let plus = usize::from(index == 0 && matches!(self.lead, Lead::Plus | Lead::PlusOpen));
        start - parenthesis - plus
    }
}

/// The gap that begins at `at` and where the next group begins; none where the run ends.
fn read_gap(bytes: &[u8], at: usize) -> Option<(Gap, usize)> {
    let mut marks = [Mark::Space; 3];
    let mut count = 0;
    let mut next = at;
    while let Some((mark, length)) = mark_at(&bytes[next..]) {
        *marks.get_mut(count)? = mark;
        count += 1;
        next += length;
    }
    if !bytes.get(next)?.is_ascii_digit() {
        return None;
    }
    let gap = match marks[..count] {
        [Mark::Space] => Gap::Space,
        [Mark::Hyphen] => Gap::Hyphen,
        [Mark::Point] => Gap::Point,
        [Mark::Slash] => Gap::Slash,
        [Mark::Open] | [Mark::Space, Mark::Open] => Gap::Open,
        [Mark::Close] | [Mark::Close, Mark::Space | Mark::Hyphen | Mark::Slash] => Gap::Close,
        [Mark::Hyphen | Mark::Slash, Mark::Space]
        | [Mark::Space, Mark::Hyphen | Mark::Slash]
        | [Mark::Space, Mark::Hyphen | Mark::Slash, Mark::Space] => Gap::Wide,
        _ => return None,
    };
    Some((gap, next))
}

/// The mark at the start of `bytes`, and its length.
fn mark_at(bytes: &[u8]) -> Option<(Mark, usize)> {
    match bytes {
        [b' ', ..] => Some((Mark::Space, 1)),
        [b'-', ..] => Some((Mark::Hyphen, 1)),
        [b'.', ..] => Some((Mark::Point, 1)),
        [b'/', ..] => Some((Mark::Slash, 1)),
        [b'(', ..] => Some((Mark::Open, 1)),
        [b')', ..] => Some((Mark::Close, 1)),
        // No-break space U+00A0.
        [0xc2, 0xa0, ..] => Some((Mark::Space, 2)),
        // Thin space U+2009, narrow no-break space U+202F.
        [0xe2, 0x80, 0x89 | 0xaf, ..] => Some((Mark::Space, 3)),
        // Hyphen U+2010, no-break hyphen U+2011, figure dash U+2012, en dash U+2013.
        [0xe2, 0x80, 0x90..=0x93, ..] => Some((Mark::Hyphen, 3)),
        _ => None,
    }
}

/// Whether a number may begin after `before`: it is no part of a word, nor tied to one, as in `ORD-0171`.
fn stands_apart_before(before: &str) -> bool {
    let mut characters = before.chars().rev();
    match characters.next() {
        None => true,
        Some('-' | '/') => !characters.next().is_some_and(is_of_a_word),
        Some(character) => !is_of_a_word(character),
    }
}

/// Whether a number may end before `after`: it is no part of a word or address, nor tied to one, nor a time.
fn stands_apart_after(after: &str) -> bool {
    let mut characters = after.chars();
    match characters.next() {
        None => true,
        // An extension, as in `555-123-4567x89`.
        Some('x') => characters.next().is_some_and(|next| next.is_ascii_digit()),
        Some('-') => !characters.next().is_some_and(is_of_a_word),
        Some(':') => !characters.next().is_some_and(|next| next.is_ascii_digit()),
        Some('@' | '%') => false,
        Some(character) => !is_of_a_word(character),
    }
}

fn is_of_a_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(text: &'a str, groups: &'a mut Vec<Group>) -> Run<'a> {
        let start = text.find(|character: char| character.is_ascii_digit()).unwrap();
        Run::read(text, start..text.len(), groups)
    }

    fn gaps(text: &str) -> Vec<Gap> {
        let mut groups = Vec::new();
        read(text, &mut groups);
        groups[1..].iter().map(|group| group.gap).collect()
    }

    #[test]
    fn groups_are_told_apart_by_what_is_between() {
        use Gap::*;
        for (text, expected) in [
            ("0171", &[][..]),
            ("1 2-3.4/5", &[Space, Hyphen, Point, Slash]),
            ("49 (0) 171", &[Open, Close]),
            ("49(0)171", &[Open, Close]),
            ("(030)-12 / 3 - 4/ 5", &[Close, Wide, Wide, Wide]),
            ("1\u{a0}2\u{202f}3\u{2011}4\u{2013}5", &[Space, Space, Hyphen, Hyphen]),
            // Here a run ends.
            ("1, 2", &[]),
            ("1. 2", &[]),
            ("1\n2", &[]),
            ("1+2", &[]),
            ("1  2", &[]),
            ("1--2", &[]),
            ("1 - - 2", &[]),
            ("1 -", &[]),
            ("1 - a2", &[]),
        ] {
            assert_eq!(gaps(text), expected, "{text}");
        }
    }

    #[test]
    fn a_run_knows_what_it_sticks_to() {
        for (text, lead, starts_apart, usable) in [
            ("12 34", Lead::None, true, 2),
            ("a 12 34 b", Lead::None, true, 2),
            ("(12", Lead::Open, true, 1),
            ("+12", Lead::Plus, true, 1),
            ("(+12", Lead::PlusOpen, true, 1),
            ("a+12", Lead::Plus, false, 1),
            ("a12", Lead::None, false, 1),
            ("ä12", Lead::None, false, 1),
            ("ORD-12", Lead::None, false, 1),
            ("Tel.12", Lead::None, true, 1),
            ("- 12", Lead::None, true, 1),
            ("12 34a", Lead::None, true, 1),
            ("12 34-a", Lead::None, true, 1),
            ("12 34:5", Lead::None, true, 1),
            ("12 34: 5", Lead::None, true, 2),
            ("12 34%", Lead::None, true, 1),
            ("12 34@", Lead::None, true, 1),
            ("12 34x5", Lead::None, true, 2),
            ("12 34xy", Lead::None, true, 1),
            ("12 34.", Lead::None, true, 2),
        ] {
            let mut groups = Vec::new();
            let run = read(text, &mut groups);
            assert_eq!(
                (run.lead, run.starts_apart, run.usable_len()),
                (lead, starts_apart, usable),
                "{text}"
            );
        }
    }
}
