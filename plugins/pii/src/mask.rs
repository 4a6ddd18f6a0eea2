//! Masking: some characters of a value stay, each of the others becomes a mask character.
//!
//! Characters are Unicode scalar values; none is ever split. A value that is too short to hide anything
//! of it is masked whole.

use crate::detect::email;

/// How the values of a column are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// How many characters stay at the start, and at the end.
    pub keep_first: usize,
    pub keep_last: usize,
    /// Stands for each hidden character.
    pub with: char,
    /// Whether values are e-mail addresses, of which only the part before the `@` is masked.
    pub email: bool,
}

impl Mask {
    /// Appends `value`, masked.
    pub fn write(&self, value: &str, text: &mut String) {
        if !self.email {
            return self.write_part(value, text);
        }
        // What follows the last `@` stays only if it is a domain: else it can be anything.
        match value.rsplit_once('@') {
            Some((local, domain)) if email::is_domain(domain.trim_end()) => {
                self.write_part(local, text);
                text.push('@');
                text.push_str(domain);
            }
            _ => self.hide(value, text),
        }
    }

    fn write_part(&self, part: &str, text: &mut String) {
        let length = part.chars().count();
        if length <= self.keep_first + self.keep_last {
            return self.hide(part, text);
        }
        let (start, rest) = split_at_char(part, self.keep_first);
        let (middle, end) = split_at_char(rest, length - self.keep_first - self.keep_last);
        text.push_str(start);
        self.hide(middle, text);
        text.push_str(end);
    }

    fn hide(&self, part: &str, text: &mut String) {
        hide(part, self.with, text);
    }
}

/// Appends one `with` for each character of `part`.
pub fn hide(part: &str, with: char, text: &mut String) {
    text.extend(std::iter::repeat_n(with, part.chars().count()));
}

/// Splits after `count` characters, of which there are at least as many.
fn split_at_char(text: &str, count: usize) -> (&str, &str) {
    let middle = text.char_indices().nth(count).map_or(text.len(), |(index, _)| index);
    text.split_at(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(mask: &Mask, value: &str) -> String {
        let mut text = String::new();
        mask.write(value, &mut text);
        text
    }

    #[test]
    fn the_ends_stay() {
        let mask = Mask { keep_first: 2, keep_last: 3, with: '*', email: false };
        for (value, expected) in [
            ("", ""),
            ("a", "*"),
            ("abcde", "*****"),
            ("abcdef", "ab*def"),
            ("DE89370400440532013000", "DE*****************000"),
            ("äöüßéñ", "äö*ßéñ"),
            ("👍👍👍👍👍👍👍", "👍👍**👍👍👍"),
        ] {
            assert_eq!(masked(&mask, value), expected);
        }
    }

    #[test]
    fn a_mask_character_may_be_wide() {
        let mask = Mask { keep_first: 0, keep_last: 1, with: '█', email: false };
        assert_eq!(masked(&mask, "abc"), "██c");
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_to_be_kept() {
        let mask = Mask { keep_first: 0, keep_last: 0, with: 'x', email: false };
        assert_eq!(masked(&mask, "geheim"), "xxxxxx");
    }

    #[test]
    fn the_domain_of_an_email_stays() {
        let mask = Mask { keep_first: 1, keep_last: 0, with: '*', email: true };
        for (value, expected) in [
            ("jane@example.com", "j***@example.com"),
            ("j@example.com", "*@example.com"),
            ("@example.com", "@example.com"),
            ("jürgen@müller.de", "j*****@müller.de"),
            ("a@b@example.com", "a**@example.com"),
            ("jane@example.com ", "j***@example.com "),
            // What is no address is hidden whole.
            ("jane", "****"),
            ("jane@", "*****"),
            ("jane@home", "*********"),
            ("@home, my number is 12345", "*************************"),
            ("jane@0171-2345678", "*****************"),
        ] {
            assert_eq!(masked(&mask, value), expected);
        }
    }
}
