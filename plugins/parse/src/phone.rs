//! Phone numbers in the form of E.164: `+4930123456`.
//!
//! What is known of a country is its code, the prefixes that are dialled before national and international numbers, and how
//! many digits its national numbers have, as national numbering plans (ITU-T E.164 and E.129) have them, written down by hand: a plan that
//! has changed since is to be mended here. A number
//! is held against its country's lengths, not against its areas and networks: it may be well formed, and nobody's. Numbers of
//! countries that are not in the list are taken with their country code, by the length that E.164 allows.

use std::borrow::Cow;

use wasmill_plugin_values::config::TypeName;

use crate::parser::{Fixed, Part};

/// A numbering plan.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1.
    iso: &'static str,
    code: &'static str,
    /// Dialled before national numbers, and left out after the country code.
    trunk: &'static str,
    /// Dialled before the code of another country.
    international: &'static str,
    /// How many digits national numbers have, at least and at most.
    length: (usize, usize),
}

const fn plan(
    iso: &'static str,
    code: &'static str,
    trunk: &'static str,
    international: &'static str,
    length: (usize, usize),
) -> Country {
    Country { iso, code, trunk, international, length }
}

/// In the order of their ISO codes. Where countries share a code, see [`country_of`].
const COUNTRIES: &[Country] = &[
    plan("AR", "54", "0", "00", (10, 11)),
    plan("AT", "43", "0", "00", (4, 13)),
    plan("AU", "61", "0", "0011", (9, 9)),
    plan("BE", "32", "0", "00", (8, 9)),
    plan("BG", "359", "0", "00", (7, 9)),
    plan("BR", "55", "0", "00", (10, 11)),
    plan("CA", "1", "1", "011", (10, 10)),
    plan("CH", "41", "0", "00", (9, 9)),
    plan("CL", "56", "", "00", (9, 9)),
    plan("CN", "86", "0", "00", (10, 11)),
    plan("CZ", "420", "", "00", (9, 9)),
    plan("DE", "49", "0", "00", (5, 13)),
    plan("DK", "45", "", "00", (8, 8)),
    plan("EE", "372", "", "00", (7, 8)),
    plan("ES", "34", "", "00", (9, 9)),
    plan("FI", "358", "0", "00", (5, 12)),
    plan("FR", "33", "0", "00", (9, 9)),
    plan("GB", "44", "0", "00", (9, 10)),
    plan("GR", "30", "", "00", (10, 10)),
    plan("HR", "385", "0", "00", (8, 9)),
    plan("HU", "36", "06", "00", (8, 9)),
    plan("IE", "353", "0", "00", (7, 10)),
    plan("IL", "972", "0", "00", (8, 9)),
    plan("IN", "91", "0", "00", (10, 10)),
    plan("IS", "354", "", "00", (7, 9)),
    // The zero belongs to the number in Italy.
    plan("IT", "39", "", "00", (6, 11)),
    plan("JP", "81", "0", "010", (9, 10)),
    plan("KR", "82", "0", "00", (8, 10)),
    plan("LT", "370", "0", "00", (8, 8)),
    plan("LU", "352", "", "00", (4, 11)),
    plan("LV", "371", "", "00", (8, 8)),
    plan("MX", "52", "", "00", (10, 10)),
    plan("NL", "31", "0", "00", (9, 9)),
    plan("NO", "47", "", "00", (8, 8)),
    plan("NZ", "64", "0", "00", (8, 10)),
    plan("PL", "48", "", "00", (9, 9)),
    plan("PT", "351", "", "00", (9, 9)),
    plan("RO", "40", "0", "00", (9, 9)),
    plan("RU", "7", "8", "810", (10, 10)),
    plan("SE", "46", "0", "00", (7, 10)),
    plan("SG", "65", "", "000", (8, 8)),
    plan("SI", "386", "0", "00", (8, 8)),
    plan("SK", "421", "0", "00", (9, 9)),
    plan("TR", "90", "0", "00", (10, 10)),
    plan("UA", "380", "0", "00", (9, 9)),
    plan("US", "1", "1", "011", (10, 10)),
    plan("ZA", "27", "0", "00", (9, 9)),
];

/// Country code and national number together have no more digits: ITU-T E.164.
const MAX_DIGITS: usize = 15;
/// Numbers of unlisted countries are not shorter, country code included.
const MIN_DIGITS: usize = 7;

/// The country of these two letters.
///
/// # Errors
///
/// Which countries there are.
pub fn country(iso: &str) -> Result<&'static Country, String> {
    COUNTRIES.iter().find(|country| country.iso == iso).ok_or_else(|| {
        let known: Vec<&str> = COUNTRIES.iter().map(|country| country.iso).collect();
        format!("is {iso:?}; give one of {}", known.join(", "))
    })
}

/// The format `phone`. Numbers without a country code are in `home`.
pub fn format(home: Option<&'static Country>) -> Fixed<5> {
    let parts = vec![
        Part::text("e164"),
        Part::text("country"),
        Part::of("code", TypeName::Int16),
        Part::text("national"),
        Part::text("extension"),
    ];
    Fixed {
        parts,
        split: Box::new(move |text| Some(split(text, home)?.map(|piece| piece.map(Cow::Owned)))),
        rule: "bad-phone",
        expected: "phone number",
    }
}

fn split(text: &str, home: Option<&'static Country>) -> Option<[Option<String>; 5]> {
    let (number, extension) = without_extension(text.trim());
    let mut digits = String::with_capacity(MAX_DIGITS);
    let is_international = number.starts_with('+') || number.starts_with('＋');
    let number = number.trim_start_matches(['+', '＋']);
    // `+49 (0) 30 123`: the zero is only dialled within the country.
    let number = if is_international { number.replacen("(0)", "", 1) } else { number.to_owned() };
    for character in number.chars() {
        match character {
            '0'..='9' => digits.push(character),
            ' '
            | '\u{a0}'
            | '\u{202f}'
            | '\t'
            | '-'
            | '.'
            | '/'
            | '('
            | ')'
            | '\u{2010}'..='\u{2013}' => {}
            _ => return None,
        }
        if digits.len() > MAX_DIGITS + 4 {
            return None;
        }
    }
    let full = match home {
        _ if is_international => digits,
        Some(home) => match digits.strip_prefix(home.international) {
            Some(abroad) => abroad.to_owned(),
            None => {
                let national = digits.strip_prefix(home.trunk).unwrap_or(&digits);
                // Where the whole fits and the rest does not, it was no prefix.
                let national = if fits(national, home) { national } else { &digits };
                format!("{}{national}", home.code)
            }
        },
        None => return None,
    };
    let country = country_of(&full, home);
    let (code, national) = match country {
        Some(country) => {
            let national = &full[country.code.len()..];
            if !fits(national, country) {
                return None;
            }
            (Some(country.code), Some(national.to_owned()))
        }
        None if full.starts_with('0') || full.len() < MIN_DIGITS => return None,
        None => (None, None),
    };
    if full.len() > MAX_DIGITS {
        return None;
    }
    // Of countries that share a code it is not known which one a number is in, but for the one at home.
    let iso = country.filter(|country| {
        home == Some(*country)
            || COUNTRIES.iter().filter(|other| other.code == country.code).count() == 1
    });
    // Kazakhstan is under +7 as well, with numbers that begin with 6 or 7.
    let iso = iso.filter(|country| !(country.iso == "RU" && full[1..].starts_with(['6', '7'])));
    Some([
        Some(format!("+{full}")),
        iso.map(|country| country.iso.to_owned()),
        code.map(str::to_owned),
        national,
        extension.map(str::to_owned),
    ])
}

fn fits(national: &str, country: &Country) -> bool {
    let (least, most) = country.length;
    (least..=most).contains(&national.len()) && (country.iso == "IT" || !national.starts_with('0'))
}

/// The listed country of a number with its country code, the one at home first. No code is the beginning of another.
fn country_of(full: &str, home: Option<&'static Country>) -> Option<&'static Country> {
    let has_code = |country: &&'static Country| full.starts_with(country.code);
    home.filter(has_code).or_else(|| COUNTRIES.iter().find(has_code))
}

/// The number, and the digits after `ext.`, `extension`, `x` or `#`, where there are any.
fn without_extension(text: &str) -> (&str, Option<&str>) {
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &text[4..],
        _ => text,
    };
    let end = text.trim_end_matches(|character: char| character.is_ascii_digit());
    let digits = &text[end.len()..];
    let before = end.trim_end_matches([' ', '.', ':', '=']);
    if digits.is_empty() {
        return (text, None);
    }
    for word in [";ext", "extension", "ext", "x", "#"] {
        let Some(start) = before.len().checked_sub(word.len()) else { continue };
        if before.is_char_boundary(start) && before[start..].eq_ignore_ascii_case(word) {
            return (before[..start].trim_end_matches([' ', ',', ';']), Some(digits));
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e164(text: &str, home: &str) -> Option<String> {
        split(text, country(home).ok()).and_then(|parts| parts[0].clone())
    }

    #[test]
    fn numbers_of_many_forms() {
        for (text, home, expected) in [
            ("030 123456", "DE", Some("+4930123456")),
            ("+49 (0) 30 / 123-456", "DE", Some("+4930123456")),
            ("0049 30 123456", "DE", Some("+4930123456")),
            ("+4930123456", "", Some("+4930123456")),
            ("tel:+49-30-123456", "", Some("+4930123456")),
            ("(202) 555-0143", "US", Some("+12025550143")),
            ("1-202-555-0143", "US", Some("+12025550143")),
            ("011 44 20 7946 0958", "US", Some("+442079460958")),
            ("020 7946 0958", "GB", Some("+442079460958")),
            ("06 1234 5678", "IT", Some("+390612345678")),
            ("06 12 34 56 78", "FR", Some("+33612345678")),
            ("06 1 234 5678", "HU", Some("+3612345678")),
            ("8 (495) 123-45-67", "RU", Some("+74951234567")),
            ("+7 495 123 45 67", "", Some("+74951234567")),
            ("+212 522 123456", "", Some("+212522123456")),
            ("+43 1 58858", "", Some("+43158858")),
            // Too short, too long, no number, no country.
            ("12345", "US", None),
            ("030 123456 123456 1234", "DE", None),
            ("+49", "", None),
            ("", "DE", None),
            ("call me", "DE", None),
            ("030 123456", "", None),
            ("+0123456789", "", None),
            ("+1 202 555", "", None),
            ("1800FLOWERS", "US", None),
            ("٠٣٠١٢٣٤٥٦", "DE", None),
        ] {
            assert_eq!(e164(text, home).as_deref(), expected, "{text} in {home}");
        }
    }

    #[test]
    fn parts_of_a_number() {
        let parts = |text: &str, home: &str| {
            split(text, country(home).ok())
                .map(|parts| parts.map(|part| part.unwrap_or("-".into())))
        };
        for (text, home, expected) in [
            ("+49 30 123456 ext. 12", "", ["+4930123456", "DE", "49", "30123456", "12"]),
            ("202-555-0143x7", "US", ["+12025550143", "US", "1", "2025550143", "7"]),
            ("+1 202 555 0143", "DE", ["+12025550143", "-", "1", "2025550143", "-"]),
            ("+1 416 555 0143", "CA", ["+14165550143", "CA", "1", "4165550143", "-"]),
            ("+7 701 123 45 67", "", ["+77011234567", "-", "7", "7011234567", "-"]),
            ("+212 522 123456", "", ["+212522123456", "-", "-", "-", "-"]),
        ] {
            assert_eq!(parts(text, home), Some(expected.map(str::to_owned)), "{text}");
        }
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(COUNTRIES.is_sorted_by(|left, right| left.iso < right.iso));
        for country in COUNTRIES {
            assert!(country.code.len() + country.length.1 <= MAX_DIGITS, "{}", country.iso);
            for other in COUNTRIES {
                let is_prefix = other.code != country.code && other.code.starts_with(country.code);
                assert!(!is_prefix, "{} {}", country.iso, other.iso);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*", odd in r"[+0-9x(). ＋é]*") {
            for home in ["DE", "US", "HU", ""] {
                for text in [&text, &odd] {
                    if let Some(number) = e164(text, home) {
                        assert!(number.len() <= MAX_DIGITS + 1, "{number}");
                        // What came out goes in.
                        assert_eq!(e164(&number, home), Some(number.clone()), "{text}");
                    }
                }
            }
        }
    }
}
