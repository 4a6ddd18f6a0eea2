//! Numbers of payment cards: 13 to 19 digits with the prefix of a scheme and a valid check digit.
//!
//! The check digit alone lets one number of ten pass, so the prefix and the length must be those of a scheme
//! (ISO/IEC 7812-1; ranges as listed on <https://en.wikipedia.org/wiki/Payment_card_number>).

use std::ops::RangeInclusive;

use super::run::{Gap, Lead, Run};

const MIN_DIGITS: usize = 13;
const MAX_DIGITS: usize = 19;
/// The fewest digits of a group: `4111-1111-1111-1111`, `3782 822463 10005`.
const MIN_GROUP: usize = 3;

/// First four digits, and how many digits there are in all.
const SCHEMES: [(RangeInclusive<u32>, RangeInclusive<usize>); 18] = [
    // Mir.
    (2200..=2204, 16..=19),
    // Mastercard.
    (2221..=2720, 16..=16),
    (5100..=5599, 16..=16),
    // Diners Club.
    (3000..=3059, 14..=19),
    (3095..=3095, 14..=19),
    (3600..=3699, 14..=19),
    (3800..=3999, 14..=19),
    // American Express.
    (3400..=3499, 15..=15),
    (3700..=3799, 15..=15),
    // JCB.
    (3528..=3589, 16..=19),
    // Visa.
    (4000..=4999, 13..=13),
    (4000..=4999, 16..=16),
    (4000..=4999, 19..=19),
    // Maestro; with 6 also Discover, UnionPay and RuPay.
    (5000..=5099, 13..=19),
    (5600..=5899, 13..=19),
    (6000..=6999, 13..=19),
    // RuPay, UnionPay.
    (8100..=8299, 16..=19),
    // Troy.
    (9792..=9792, 16..=16),
];

/// The end of the longest card number whose first group is at `first`: the index past its last group.
pub fn end(run: &Run, first: usize) -> Option<usize> {
    if first == 0 && (!run.starts_apart || run.lead == Lead::Plus) {
        return None;
    }
    let mut number = [0; MAX_DIGITS];
    let mut length = 0;
    let mut longest = None;
    for index in first..run.usable_len() {
        let gap = run.gap(index);
        let goes_on = index == first
            || (matches!(gap, Some(Gap::Space | Gap::Hyphen)) && gap == run.gap(first + 1));
        let digits = run.digits(index);
        if !goes_on || digits.len() < MIN_GROUP || length + digits.len() > MAX_DIGITS {
            break;
        }
        number[length..length + digits.len()].copy_from_slice(digits);
        length += digits.len();
        if is_card(&number[..length]) {
            longest = Some(index + 1);
        }
    }
    longest
}

/// Whether these digits are the number of a card.
fn is_card(digits: &[u8]) -> bool {
    if digits.len() < MIN_DIGITS {
        return false;
    }
    let prefix = digits[..4].iter().fold(0, |prefix, digit| prefix * 10 + u32::from(digit - b'0'));
    let is_of_a_scheme = SCHEMES
        .iter()
        .any(|(prefixes, lengths)| prefixes.contains(&prefix) && lengths.contains(&digits.len()));
    is_of_a_scheme && has_valid_check_digit(digits)
}

/// The Luhn algorithm (ISO/IEC 7812-1, annex B): from the right, every second digit counts twice, and the digit
/// sum of all is a multiple of ten.
fn has_valid_check_digit(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            match (place % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => digit * 2,
                _ => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(text: &str) -> Option<usize> {
        let mut groups = Vec::new();
        let start = text.find(|character: char| character.is_ascii_digit()).unwrap();
        end(&Run::read(text, start..text.len(), &mut groups), 0)
    }

    /// Numbers that the schemes and payment providers publish for tests.
    #[test]
    fn numbers_of_all_schemes_are_found() {
        for (text, groups) in [
            ("4111111111111111", 1),
            ("4111 1111 1111 1111", 4),
            ("4111-1111-1111-1111", 4),
            ("4222222222222", 1),
            ("5555555555554444", 1),
            ("2223003122003222", 1),
            ("378282246310005", 1),
            ("3782 822463 10005", 3),
            ("30569309025904", 1),
            ("3056 930902 5904", 3),
            ("3566002020360505", 1),
            ("6011111111111117", 1),
            ("6200000000000005", 1),
            ("6759649826438453", 1),
            ("4111 1111 1111 1111 12", 4),
            ("(4111111111111111)", 1),
            ("4111111111111111.", 1),
        ] {
            assert_eq!(card(text), Some(groups), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left() {
        for text in [
            // The check digit is wrong.
            "4111111111111112",
            // No scheme has the prefix, or not with this length.
            "1111111111111117",
            "7111111111111114",
            "41111111111114",
            // Too short, too long.
            "411111111116",
            "41111111111111111111",
            // Part of something else.
            "a4111111111111111",
            "4111111111111111a",
            "+4111111111111111",
            "ORD-4111111111111111",
            "4111-1111 1111-1111",
            "4111.1111.1111.1111",
            "41 11 11 11 11 11 11 11",
        ] {
            assert_eq!(card(text), None, "{text}");
        }
    }
}
