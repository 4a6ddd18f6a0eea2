//! Cards and phones among the numbers of a text.

use std::ops::Range;

use super::run::{Group, Run};
use super::{Found, Kind, Kinds, card, date, iban, phone};

/// Appends the cards and phones within `range` of `text`, in order. `groups` is there to be filled.
pub fn find(
    text: &str,
    range: Range<usize>,
    kinds: Kinds,
    groups: &mut Vec<Group>,
    found: &mut Vec<Found>,
) {
    let bytes = &text.as_bytes()[..range.end];
    let mut position = range.start;
    while let Some(distance) = bytes[position..].iter().position(u8::is_ascii_digit) {
        let start = position + distance;
        if let Some(end) = iban::end(bytes, start) {
            position = end;
            continue;
        }
        let run = Run::read(text, start..range.end, groups);
        find_in_run(&run, kinds, found);
        position = run.end(run.len() - 1);
    }
}

fn find_in_run(run: &Run, kinds: Kinds, found: &mut Vec<Found>) {
    let mut index = 0;
    // Whether the group before belongs to something whole.
    let mut is_free = false;
    while index < run.len() {
        // Cards are looked for in any case: their groups are no phones.
        let (end, kind) = if let Some(end) = card::end(run, index) {
            (end, kinds.card.then_some(Kind::Card))
        } else if let date @ 1.. = date::length(run, index) {
            (index + date, None)
        } else if kinds.phone
            && let Some(end) = phone::end(run, index, is_free)
        {
            (end, Some(Kind::Phone))
        } else {
            is_free = false;
            index += 1;
            continue;
        };
        if let Some(kind) = kind {
            let start = match kind {
                Kind::Phone => run.start_with_lead(index),
                Kind::Card | Kind::Email => run.start(index),
            };
            found.push(Found { start, end: run.end(end - 1), kind });
        }
        is_free = true;
        index = end;
    }
}
