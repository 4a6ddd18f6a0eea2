//! Phone numbers by their form: 7 to 15 digits (ITU-T E.164 allows 15 in all), international or national.
//!
//! | Form | Examples |
//! |---|---|
//! | `+` and country code | `+49 (0) 171 2345678`, `(+33) 1 23 45 67 89`, `+15551234567` |
//! | `00` and country code | `0049 171 2345678`, `001-555-123-4567` |
//! | trunk prefix `0`, grouped | `0171/2345678`, `01 23 45 67 89`, `020 7946 0958` |
//! | trunk prefix `0`, 10 or 11 digits | `01712345678` |
//! | area code in parentheses | `(030) 1234567`, `(555) 123-4567`, `1 (555) 123-4567` |
//! | North American groups | `555-123-4567`, `1.555.123.4567` |
//!
//! Other national numbers, such as `612 345 678` or `5551234567`, look like any number and are not found.

use super::date;
use super::run::{Gap, Lead, Run};

const MIN_DIGITS: usize = 7;
const MAX_DIGITS: usize = 15;
/// Fewer digits after a `+`, without any gap, are rather a difference, such as +1500000.
const MIN_UNGROUPED_INTERNATIONAL: usize = 9;
const NORTH_AMERICAN_DIGITS: usize = 11;
/// With the trunk prefix. No numbering plan goes beyond, and what follows is another number.
const MAX_NATIONAL_DIGITS: usize = 13;

/// The end of the phone number whose first group is at `first`: the index past its last group.
///
/// `is_free` says that the group before belongs to something that was found, so whatever the gap, something
/// new begins here.
pub fn end(run: &Run, first: usize, is_free: bool) -> Option<usize> {
    if first >= run.usable_len() {
        return None;
    }
    if first == 0 {
        if !run.starts_apart {
            return None;
        }
        if matches!(run.lead, Lead::Plus | Lead::PlusOpen) {
            return international(run);
        }
    } else if !is_free && matches!(run.gap(first), Some(Gap::Hyphen | Gap::Point | Gap::Slash)) {
        // Part of a longer number, such as an order number.
        return None;
    }
    let end = international_by_zeros(run, first)
        .or_else(|| in_parentheses(run, first))
        .or_else(|| by_trunk_prefix(run, first))
        .or_else(|| north_american(run, first))?;
    let goes_on = matches!(run.gap(end), Some(Gap::Hyphen | Gap::Point));
    (!goes_on).then_some(end)
}

/// `+49 171 2345678`.
fn international(run: &Run) -> Option<usize> {
    let code = run.digits(0);
    let max = match code[0] {
        b'0' => return None,
        b'1' => NORTH_AMERICAN_DIGITS,
        _ => MAX_DIGITS,
    };
    let (end, digits) = extend(run, 0, max)?;
    let min = if end == 1 { MIN_UNGROUPED_INTERNATIONAL } else { MIN_DIGITS };
    (digits >= min).then_some(end)
}

/// `0049 171 2345678`.
fn international_by_zeros(run: &Run, first: usize) -> Option<usize> {
    let code = run.digits(first);
    if !code.starts_with(b"00") {
        return None;
    }
    let max = match code.get(2)? {
        b'0' => return None,
        b'1' => 2 + NORTH_AMERICAN_DIGITS,
        _ => 2 + MAX_DIGITS,
    };
    let (end, digits) = extend(run, first, max)?;
    // Without a gap, short ones are rather numbers that are padded with zeros.
    let min = if end == first + 1 { 12 } else { 2 + MIN_DIGITS };
    (digits >= min).then_some(end)
}

/// `(030) 1234567`, `(555) 123-4567`.
fn in_parentheses(run: &Run, first: usize) -> Option<usize> {
    let area = run.digits(first);
    let is_year = area.len() == 4 && (area.starts_with(b"19") || area.starts_with(b"20"));
    if !run.is_parenthesized(first) || is_year || !(2..=6).contains(&area.len()) {
        return None;
    }
    let (end, digits) = extend(run, first, MAX_NATIONAL_DIGITS)?;
    (digits >= MIN_DIGITS).then_some(end)
}

/// `0171/2345678`.
fn by_trunk_prefix(run: &Run, first: usize) -> Option<usize> {
    if !has_trunk_prefix(run.digits(first)) {
        return None;
    }
    if (10..=11).contains(&run.digits(first).len()) {
        return Some(first + 1);
    }
    // `09 - 12 2025` is a range.
    if run.digits(first).len() == 2 && run.gap(first + 1) == Some(Gap::Wide) {
        return None;
    }
    let (end, digits) = extend(run, first, MAX_NATIONAL_DIGITS)?;
    // Groups of two are French, always five of them; four are rather hours such as 08.00-17.00.
    let only_pairs = (first..end).all(|index| run.digits(index).len() == 2);
    let is_grouped = end > first + 1 && (!only_pairs || end == first + 5);
    (is_grouped && digits >= MIN_DIGITS).then_some(end)
}

/// `555-123-4567`, `1 (555) 123-4567`.
fn north_american(run: &Run, first: usize) -> Option<usize> {
    let area = if run.digits(first) == b"1" { first + 1 } else { first };
    let end = area + 3;
    if end > run.usable_len() {
        return None;
    }
    let lengths = [0, 1, 2].map(|index| run.digits(area + index).len());
    if lengths != [3, 3, 4] || run.digits(area)[0] < b'2' {
        return None;
    }
    let before_area = if area > first { run.gap(area)? } else { Gap::Space };
    let (before_exchange, before_line) = (run.gap(area + 1)?, run.gap(area + 2)?);
    let line_is_tied = matches!(before_line, Gap::Space | Gap::Hyphen | Gap::Point);
    let exchange_is_tied = before_exchange == before_line
        || before_exchange == Gap::Space
        || (before_exchange == Gap::Close && run.is_parenthesized(area));
    let area_is_tied = before_area == before_exchange
        || before_area == Gap::Space
        || (before_area == Gap::Open && before_exchange == Gap::Close);
    (line_is_tied && exchange_is_tied && area_is_tied).then_some(end)
}

/// The groups that can go on the number that begins at `first`, with at most `max` digits in all: the index past
/// the last, and the number of digits. None where the first group alone has more.
fn extend(run: &Run, first: usize, max: usize) -> Option<(usize, usize)> {
    let mut digits = run.digits(first).len();
    if digits > max {
        return None;
    }
    let mut end = first + 1;
    while end < run.usable_len() {
        let gap = run.gap(end)?;
        let fits = match gap {
            Gap::Open => run.is_parenthesized(end),
            Gap::Close => run.is_parenthesized(end - 1),
            // Whoever spaces area code and number so far apart does it once.
            Gap::Wide => digits < MIN_DIGITS,
            Gap::First | Gap::Space | Gap::Hyphen | Gap::Point | Gap::Slash => true,
        };
        let longer = digits + run.digits(end).len();
        let is_complete = digits >= MIN_DIGITS
            && matches!(gap, Gap::Space | Gap::Slash)
            && begins_number(run, end);
        if !fits || longer > max || is_complete || date::length(run, end) > 0 {
            break;
        }
        digits = longer;
        end += 1;
    }
    Some((end, digits))
}

/// Whether the groups from `first` can be a national number of their own, so that in `030 123456 030 654321`
/// both are found.
fn begins_number(run: &Run, first: usize) -> bool {
    let ahead = (first..run.usable_len()).map(|index| run.digits(index).len());
    has_trunk_prefix(run.digits(first))
        && ahead
            .scan(0, |digits, length| {
                *digits += length;
                (*digits <= MAX_NATIONAL_DIGITS).then_some(*digits)
            })
            .any(|digits| digits >= MIN_DIGITS)
}

/// Whether a group begins with a single `0`, which is dialled before area codes.
fn has_trunk_prefix(digits: &[u8]) -> bool {
    matches!(digits, [b'0', b'1'..=b'9', ..])
}

#[cfg(test)]
mod tests {
    use crate::detect::{Kinds, Scanner};

    fn phones(text: &str) -> Vec<&str> {
        let mut scanner = Scanner::new(Kinds { email: false, phone: true, card: false });
        scanner.find(text).iter().map(|found| &text[found.start..found.end]).collect()
    }

    #[test]
    fn whole_texts_that_are_phone_numbers() {
        for text in [
            "+49 171 2345678",
            "+491712345678",
            "+49 (0) 171 2345678",
            "+49(0)171/2345678",
            "(+33) 1 23 45 67 89",
            "+41 44 668 18 00",
            "+44 20 7946 0958",
            "+1 555 123 4567",
            "+1 (555) 123-4567",
            "+1.5551234567",
            "+91 98765 43210",
            "+86 138 0013 8000",
            "+30 12 2025 1234",
            "+49\u{a0}171\u{a0}2345678",
            "0049 171 2345678",
            "00491712345678",
            "001-555-123-4567",
            "0171 2345678",
            "0171/2345678",
            "0171 - 2345678",
            "0171-234-5678",
            "01712345678",
            "0421 345-0",
            "(030) 1234567",
            "(0171)2345678",
            "020 7946 0958",
            "01 23 45 67 89",
            "01.23.45.67.89",
            "044 668 18 00",
            "03-1984-5678",
            "090-1234-5678",
            "(555) 123-4567",
            "(555)123-4567",
            "555-123-4567",
            "555.123.4567",
            "555 123 4567",
            "1-555-123-4567",
            "1 (555) 123-4567",
            "(11) 91234-5678",
        ] {
            assert_eq!(phones(text), [text], "{text}");
        }
    }

    #[test]
    fn phone_numbers_within_text() {
        for (text, expected) in [
            ("Call 0171 2345678, please", &["0171 2345678"][..]),
            ("Tel.0171/2345678.", &["0171/2345678"]),
            ("tel:+491712345678", &["+491712345678"]),
            ("(0171 2345678)", &["0171 2345678"]),
            ("0171 2345678 / 0172 3456789", &["0171 2345678", "0172 3456789"]),
            ("0171-2345678/0172-3456789", &["0171-2345678", "0172-3456789"]),
            ("030 123456 030 654321", &["030 123456", "030 654321"]),
            ("+49 171 2345678 +49 172 3456789", &["+49 171 2345678", "+49 172 3456789"]),
            ("+49 171 2345678 0172 3456789", &["+49 171 2345678", "0172 3456789"]),
            ("01.02.2025 0171 2345678", &["0171 2345678"]),
            ("+1 555 123 4567 2025-12-31", &["+1 555 123 4567"]),
            ("+49 171 2345678 14:30", &["+49 171 2345678"]),
            ("555-123-4567x89", &["555-123-4567"]),
            ("3 times 0171 2345678", &["0171 2345678"]),
            ("DE89 3704 0044 0532 0130 00 0171 2345678", &["0171 2345678"]),
        ] {
            assert_eq!(phones(text), expected, "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left() {
        for text in [
            // Dates and times.
            "2025-12-31",
            "31.12.2025",
            "01.02.2025",
            "01 02 2025",
            "01.02.2025 - 03.04.2025",
            "01/2025 - 02/2025",
            "2025-12-31 14:30:00",
            "2025-12-31T14:30:00.000+01:00",
            "20251231T143000+0100",
            "08.00-17.00",
            "08.00 - 17.00",
            "09 - 12 2025",
            "1764000000",
            // Orders and codes.
            "4500012345",
            "0001234567",
            "2024-000123",
            "302-1234567-1234567",
            "ORD-0123-456789",
            "ORD 0123-456789-A",
            "0171-2345678-12345",
            "A0171 2345678B",
            "/item/0123-456789",
            "978-3-16-148410-0",
            "0-306-40615-2",
            "NL91 ABNA 0417 1643 00",
            // Versions and addresses.
            "10.15.7",
            "1.2.3.4567",
            "192.168.100.200",
            "2001:0db8:0000:0042",
            // Amounts and measures.
            "1.234.567,89",
            "1 234 567 890",
            "+1500000",
            "0.12345678",
            "52.520008, 13.404954",
            "5+12345678901",
            // Cards.
            "5105 1051 0510 5100",
            // Too short, too long.
            "0171 23",
            "+49 171",
            "+1234567890123456",
        ] {
            assert_eq!(phones(text), [""; 0], "{text}");
        }
    }
}
