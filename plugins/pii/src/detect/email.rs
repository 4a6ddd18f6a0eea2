//! E-mail addresses, as they are written in running text.
//!
//! An address is looked for around each `@`: leftwards over what a dot-atom (RFC 5322, section 3.2.3) mostly
//! consists of, letters of any script included (RFC 6531); rightwards over a domain of at least two labels
//! (RFC 1035, section 2.3.1) with a top level of letters. Left out on purpose are quoted local parts, and `=`,
//! `/`, `?`, `|` and the backquote, which delimit addresses in links and markup more often than they belong to
//! one.

use wasmill_plugin_sdk::text::find_byte;

use super::{Found, Kind};

const MAX_LABEL_CHARACTERS: usize = 63;

/// Appends the addresses in `text`, in order.
pub fn find(text: &str, found: &mut Vec<Found>) {
    // Where the next address may begin at the earliest.
    let mut free = 0;
    // The search for one byte is many times as fast as a loop over all of them: most texts have no `@`.
    while let Some(distance) = find_byte(&text.as_bytes()[free..], b'@') {
        let at = free + distance;
        let domain = domain_length(&text[at + 1..]);
        let local = local_start(&text[free..at]);
        let end = at + 1 + domain;
        match local {
            Some(local) if domain > 0 => {
                found.push(Found { start: free + local, end, kind: Kind::Email });
                free = end;
            }
            _ => free = at + 1,
        }
    }
}

/// Whether all of `text` is a domain with a top level of letters.
pub fn is_domain(text: &str) -> bool {
    !text.is_empty() && domain_length(text) == text.len()
}

/// Where the local part begins that ends with `text`; none where there is none.
fn local_start(text: &str) -> Option<usize> {
    if text.ends_with('.') {
        return None;
    }
    let mut start = None;
    let mut later = '@';
    for (index, character) in text.char_indices().rev() {
        if character == '.' && later == '.' {
            break;
        }
        if character.is_alphanumeric() || character == '_' {
            // It begins with one of these, not with the punctuation before it, such as a quote.
            start = Some(index);
        } else if !matches!(
            character,
            '.' | '-' | '+' | '%' | '\'' | '&' | '!' | '#' | '$' | '^' | '~' | '*' | '{' | '}'
        ) {
            break;
        }
        later = character;
    }
    start
}

/// The length in bytes of the longest domain at the start of `text`; 0 where there is none.
fn domain_length(text: &str) -> usize {
    let mut longest = 0;
    let mut start = 0;
    for position in 0.. {
        let rest = &text[start..];
        let label = label_length(rest);
        if label == 0 {
            break;
        }
        let end = start + label;
        let label = &rest[..label];
        let is_number = label.bytes().all(|byte| byte.is_ascii_digit());
        // `0.1` of `tool@1.0.1-rc.beta` begins a version or an IP address.
        if position == 1 && is_number && text[..start - 1].bytes().all(|byte| byte.is_ascii_digit())
        {
            break;
        }
        if position > 0 && is_top_level(label) {
            longest = end;
        }
        if !text[end..].starts_with('.') {
            break;
        }
        start = end + 1;
    }
    longest
}

/// The length in bytes of the label at the start of `text`: letters, digits, and hyphens in between.
fn label_length(text: &str) -> usize {
    let mut length = 0;
    for (count, (index, character)) in text.char_indices().enumerate() {
        if count == MAX_LABEL_CHARACTERS {
            break;
        }
        if character.is_alphanumeric() {
            length = index + character.len_utf8();
        } else if character != '-' || index == 0 {
            break;
        }
    }
    length
}

fn is_top_level(label: &str) -> bool {
    let is_punycode = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    is_punycode || (label.chars().nth(1).is_some() && label.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text, &mut found);
        found.iter().map(|found| &text[found.start..found.end]).collect()
    }

    #[test]
    fn addresses_are_found_in_what_surrounds_them() {
        for (text, expected) in [
            ("jane@example.com", "jane@example.com"),
            ("Mail jane.doe+shop@mail.example.co.uk.", "jane.doe+shop@mail.example.co.uk"),
            ("<jane@example.com>", "jane@example.com"),
            ("'jane@example.com'", "jane@example.com"),
            ("**jane@example.com**", "jane@example.com"),
            ("mailto:jane@example.com?subject=a", "jane@example.com"),
            ("https://x.example/?to=jane@example.com&a=b", "jane@example.com"),
            ("o'neill@example.ie", "o'neill@example.ie"),
            ("_root@example.com", "_root@example.com"),
            ("JANE@EXAMPLE.COM", "JANE@EXAMPLE.COM"),
            ("jane@163.com", "jane@163.com"),
            ("jane@example.xn--p1ai", "jane@example.xn--p1ai"),
            ("an jürgen@müller.de, bitte", "jürgen@müller.de"),
            ("иван@пример.рф", "иван@пример.рф"),
            ("jane@example.com-", "jane@example.com"),
            ("jane@example.com_old", "jane@example.com"),
            ("jane@example.com.2", "jane@example.com"),
            ("a@b@example.com", "b@example.com"),
            ("first..last@example.com", "last@example.com"),
        ] {
            assert_eq!(addresses(text), [expected], "{text}");
        }
    }

    #[test]
    fn several_addresses_are_found() {
        assert_eq!(
            addresses("jane@example.com,joe@example.org;ann@example.net"),
            ["jane@example.com", "joe@example.org", "ann@example.net"]
        );
        // The second begins within what looks like the first.
        assert_eq!(addresses("jane@b.com.c@example.com"), ["jane@b.com", "c@example.com"]);
    }

    #[test]
    fn what_is_no_address_is_left() {
        for text in [
            "@",
            "@@@@",
            "@jane",
            "jane@",
            "jane@home",
            "jane@home.",
            "jane@.com",
            "jane@example..com",
            "jane@-example.com",
            "jane.@example.com",
            "jane @example.com",
            "jane@ example.com",
            "jane@example.c",
            "jane@192.168.0.1",
            "package@1.2.3",
            "package@1.0.0-beta.rc",
            "3 @ 4.50",
            "\"@example.com",
        ] {
            assert_eq!(addresses(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_label_has_63_characters_at_most() {
        let label = "a".repeat(63);
        assert_eq!(addresses(&format!("jane@{label}.com")).len(), 1);
        assert_eq!(addresses(&format!("jane@{label}a.com")).len(), 0);
    }

    #[test]
    fn domains() {
        for (text, expected) in [
            ("example.com", true),
            ("müller.de", true),
            ("home", false),
            ("example.com.", false),
            ("example.com ", false),
            ("0171-2345678", false),
            ("", false),
        ] {
            assert_eq!(is_domain(text), expected, "{text}");
        }
    }
}
