//! Finding personal data in text, by hand-written scanners.
//!
//! ```text
//!   text ─▶ email ─▶ what lies between the addresses ─▶ numbers ─▶ runs of digit groups
//!                                                                     │ IBAN, date: skipped
//!                                                                     │ card, phone: found
//! ```
//!
//! The scanners read each byte a few times at most, whatever the text, and allocate nothing per value.
//! They decide by form alone: what a word such as "order" or "phone" before a number says is not heard.

pub mod email;

mod card;
mod date;
mod iban;
mod numbers;
mod phone;
mod run;

use self::run::Group;

/// What can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Email,
    Phone,
    Card,
}

impl Kind {
    /// The name, such as `email`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
        }
    }
}

/// What to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    pub email: bool,
    pub phone: bool,
    pub card: bool,
}

/// Something found: the bytes `start..end` of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// Finds personal data in one text after the other.
pub struct Scanner {
    kinds: Kinds,
    found: Vec<Found>,
    /// Kept to be filled again, as is `found`.
    groups: Vec<Group>,
}

impl Scanner {
    pub fn new(kinds: Kinds) -> Self {
        Self { kinds, found: Vec::new(), groups: Vec::new() }
    }

    /// What is found in `text`, in order and without overlaps.
    pub fn find(&mut self, text: &str) -> &[Found] {
        self.found.clear();
        if self.kinds.email {
            email::find(text, &mut self.found);
        }
        if self.kinds.phone || self.kinds.card {
            let emails = self.found.len();
            let mut start = 0;
            for index in 0..=emails {
                let (end, next) = match self.found.get(index) {
                    Some(email) if index < emails => (email.start, email.end),
                    _ => (text.len(), text.len()),
                };
                numbers::find(text, start..end, self.kinds, &mut self.groups, &mut self.found);
                start = next;
            }
            if emails > 0 && self.found.len() > emails {
                self.found.sort_unstable_by_key(|found| found.start);
            }
        }
        &self.found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Kinds = Kinds { email: true, phone: true, card: true };

    fn found(kinds: Kinds, text: &str) -> Vec<(Kind, &str)> {
        let mut scanner = Scanner::new(kinds);
        let found = scanner.find(text);
        found.iter().map(|found| (found.kind, &text[found.start..found.end])).collect()
    }

    #[test]
    fn everything_is_found_in_order() {
        let text = "Card 4111 1111 1111 1111, jane@example.com or +49 171 2345678; j2@example.org";
        let expected = [
            (Kind::Card, "4111 1111 1111 1111"),
            (Kind::Email, "jane@example.com"),
            (Kind::Phone, "+49 171 2345678"),
            (Kind::Email, "j2@example.org"),
        ];
        assert_eq!(found(ALL, text), expected);
    }

    #[test]
    fn only_the_kinds_asked_for_are_found() {
        let text = "4111 1111 1111 1111 jane@example.com 0171 2345678";
        let phone = Kinds { email: false, phone: true, card: false };
        assert_eq!(found(phone, text), [(Kind::Phone, "0171 2345678")]);
        let card = Kinds { email: false, phone: false, card: true };
        assert_eq!(found(card, text), [(Kind::Card, "4111 1111 1111 1111")]);
    }

    #[test]
    fn the_number_of_an_address_is_no_phone() {
        let address = "01712345678@example.com";
        assert_eq!(found(ALL, address), [(Kind::Email, address)]);
        assert_eq!(found(Kinds { email: false, ..ALL }, address), []);
    }

    #[test]
    fn ordinary_text_holds_nothing() {
        for text in [
            "",
            "Order 4500012345 of 2025-12-31 14:30:00, version 10.15.7, 1.234.567,89 EUR",
            "From 01.02.2025 to 03.04.2025, open 08.00 - 17.00, from 192.168.100.200",
            "id 550e8400-e29b-41d4-a716-446655440000, IBAN DE89 3704 0044 0532 0130 00",
            "@home: 5 @ 3.50, see example.com/@user",
        ] {
            assert_eq!(found(ALL, text), [], "{text}");
        }
    }

    /// Text made of what the scanners decide by.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[0-9]{1,5}",
            4 => "[-+ .,/()@:x\u{a0}\u{2011}]",
            2 => "[a-zA-Zäß€]{1,3}",
            1 => Just("4111 1111 1111 1111".to_owned()),
            1 => Just("DE89 3704 0044 0532 0130 00".to_owned()),
            1 => Just("jane@example.com".to_owned()),
            1 => Just("0171 2345678".to_owned()),
            1 => Just("31.12.2025".to_owned()),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_found_is_in_order_and_within_the_text(text in text()) {
            let mut scanner = Scanner::new(ALL);
            let mut free = 0;
            for found in scanner.find(&text) {
                prop_assert!(free <= found.start && found.start < found.end);
                // Panics where it is not cut between characters.
                let part = &text[found.start..found.end];
                let digits = part.bytes().filter(u8::is_ascii_digit).count();
                prop_assert!(match found.kind {
                    Kind::Email => part.contains('@'),
                    Kind::Phone => (7..=17).contains(&digits),
                    Kind::Card => (13..=19).contains(&digits),
                }, "{part}");
                free = found.end;
            }
        }

        #[test]
        fn addresses_and_international_numbers_are_found_between_words(
            name in r"[a-z0-9]{1,4}(\.[a-z0-9]{1,4}){0,2}",
            number in "[2-9][0-9]{8,14}",
        ) {
            let text = format!("write to {name}@example.com, or call +{number}.");
            let expected = [
                (Kind::Email, format!("{name}@example.com")),
                (Kind::Phone, format!("+{number}")),
            ];
            let found = found(ALL, &text);
            prop_assert_eq!(found.len(), 2);
            for ((kind, part), expected) in found.into_iter().zip(expected) {
                prop_assert_eq!((kind, part.to_owned()), expected);
            }
        }
    }
}
