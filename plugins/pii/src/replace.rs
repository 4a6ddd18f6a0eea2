//! What is written instead of what was found in a text.

use crate::config::DetectAction;
use crate::detect::{Kind, Kinds, Scanner};
use crate::hash::{KeyedHash, normalized};
use crate::mask::hide;
use crate::rewrite::Edit;
use crate::search::Actions;

/// Hexadecimal digits of the hash of something found.
const HASH_LENGTH: usize = 8;
/// How many digits of a masked number stay.
const VISIBLE_DIGITS: usize = 4;

/// Finds and replaces personal data in the values of one column.
pub struct Replacer {
    actions: Actions,
    /// There whenever an action hashes.
    hash: Option<KeyedHash>,
    scanner: Scanner,
    canonical: String,
    lower: String,
}

impl Replacer {
    pub fn new(actions: Actions, hash: Option<KeyedHash>) -> Self {
        let kinds = Kinds {
            email: actions.email.is_some(),
            phone: actions.phone.is_some(),
            card: actions.card.is_some(),
        };
        Self {
            actions,
            hash,
            scanner: Scanner::new(kinds),
            canonical: String::new(),
            lower: String::new(),
        }
    }

    /// Appends `value` with everything that is found in it replaced, where anything is.
    pub fn edit(&mut self, value: &str, text: &mut String) -> Edit {
        let found = self.scanner.find(value);
        if found.is_empty() {
            return Edit::Unchanged;
        }
        let mut rest = 0;
        for found in found {
            text.push_str(&value[rest..found.start]);
            rest = found.end;
            let action = match found.kind {
                Kind::Email => self.actions.email,
                Kind::Phone => self.actions.phone,
                Kind::Card => self.actions.card,
            };
            let part = &value[found.start..found.end];
            match action {
                Some(DetectAction::Mask) => mask(found.kind, part, text),
                Some(DetectAction::Redact) => {
                    text.extend(["[", found.kind.name(), "]"]);
                }
                Some(DetectAction::Hash) => {
                    let hash = self.hash.as_ref().expect("binding refuses to hash without a key");
                    let part = canonical(found.kind, part, &mut self.canonical, &mut self.lower);
                    text.extend(["[", found.kind.name(), ":"]);
                    hash.write_hex(part, HASH_LENGTH, text);
                    text.push(']');
                }
                None => text.push_str(part),
            }
        }
        text.push_str(&value[rest..]);
        if text == value { Edit::Unchanged } else { Edit::Replaced }
    }
}

/// Appends `part` with what tells the person masked: the part before the `@`, or all digits but the last few.
fn mask(kind: Kind, part: &str, text: &mut String) {
    if kind == Kind::Email {
        let at = part.find('@').unwrap_or(part.len());
        hide(&part[..at], '*', text);
        text.push_str(&part[at..]);
        return;
    }
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let mut hidden = digits.saturating_sub(VISIBLE_DIGITS);
    for character in part.chars() {
        if character.is_ascii_digit() && hidden > 0 {
            hidden -= 1;
            text.push('*');
        } else {
            text.push(character);
        }
    }
}

/// What is hashed of `part`, so that however it is written it has one hash: an address in lower case, a number
/// by its digits, after a `+` where it is international.
fn canonical<'a>(
    kind: Kind,
    part: &'a str,
    canonical: &'a mut String,
    lower: &'a mut String,
) -> &'a str {
    canonical.clear();
    match kind {
        Kind::Email => return normalized(part, lower),
        Kind::Card => canonical.extend(part.chars().filter(char::is_ascii_digit)),
        Kind::Phone => {
            // The trunk prefix in `+49 (0) 171` is dialled at home only.
            let (before, after) = part.split_once("(0)").unwrap_or((part, ""));
            canonical.extend(before.chars().chain(after.chars()).filter(char::is_ascii_digit));
            if canonical.starts_with("00") {
                canonical.replace_range(..2, "+");
            } else if part.contains('+') {
                canonical.insert(0, '+');
            }
        }
    }
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef";

    fn edited(action: DetectAction, value: &str) -> Option<String> {
        let actions = Actions { email: Some(action), phone: Some(action), card: Some(action) };
        let mut replacer = Replacer::new(actions, Some(KeyedHash::new(KEY).unwrap()));
        let mut text = String::new();
        match replacer.edit(value, &mut text) {
            Edit::Unchanged => None,
            _ => Some(text),
        }
    }

    #[test]
    fn only_what_is_found_is_replaced() {
        let value = "Jane <jane@example.com>, +49 171 2345678, card 4111-1111-1111-1111.";
        assert_eq!(
            edited(DetectAction::Mask, value).unwrap(),
            "Jane <****@example.com>, +** *** ***5678, card ****-****-****-1111."
        );
        assert_eq!(
            edited(DetectAction::Redact, value).unwrap(),
            "Jane <[email]>, [phone], card [card]."
        );
        assert_eq!(edited(DetectAction::Mask, "nothing to hide in order 12345678"), None);
    }

    #[test]
    fn what_is_written_differently_has_one_hash() {
        let hash = |value: &str| edited(DetectAction::Hash, value).unwrap();
        for (left, right) in [
            ("jane@example.com", "JANE@Example.com"),
            ("+49 171 2345678", "+49 (0)171/2345678"),
            ("+49 171 2345678", "0049 171-2345678"),
            ("0171 2345678", "01712345678"),
            ("4111 1111 1111 1111", "4111111111111111"),
        ] {
            assert_eq!(hash(left), hash(right), "{left}, {right}");
        }
        assert_ne!(hash("+49 171 2345678"), hash("+49 171 2345679"));
    }

    /// A column under `columns` and a text under `detect` can be joined by the first digits of their hashes.
    #[test]
    fn the_hash_is_that_of_whole_columns() {
        let mut whole = String::new();
        KeyedHash::new(KEY).unwrap().write_hex("jane@example.com", HASH_LENGTH, &mut whole);
        assert_eq!(
            edited(DetectAction::Hash, "to Jane@example.com").unwrap(),
            format!("to [email:{whole}]")
        );
    }
}
