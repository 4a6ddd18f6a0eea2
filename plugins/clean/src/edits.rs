//! What is done to text before it is parsed: trimmed, repaired, compared with null tokens, brought into one case.

use crate::case::change_case;
use crate::config::CaseName;
use crate::encoding::EncodingRepair;

/// The edits of one column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    pub trim: bool,
    pub fix_encoding: bool,
    pub null_tokens: NullTokens,
    pub case: Option<CaseName>,
}

/// Texts that mean null.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NullTokens {
    tokens: Vec<String>,
    /// A bit for each length in bytes that a token has, the last one for all longer ones: most values are told
    /// apart from all tokens by it.
    lengths: u64,
}

/// Where edited text is put together; reused from value to value.
#[derive(Default)]
pub struct Scratch {
    repair: EncodingRepair,
    cased: String,
}

impl Edits {
    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What becomes of a value: a part of it, or text in `scratch`; none where it means null.
    pub fn edit<'a>(&self, value: &'a str, scratch: &'a mut Scratch) -> Option<&'a str> {
        let Scratch { repair, cased } = scratch;
        let mut edited = if self.trim { trim(value) } else { value };
        if self.fix_encoding && !edited.is_ascii() && self.repair(value, edited, repair) {
            edited = if self.trim { trim(repair.text()) } else { repair.text() };
        }
        if self.null_tokens.contains(edited) {
            return None;
        }
        Some(match self.case {
            Some(case) => change_case(case, edited, cased),
            None => edited,
        })
    }

    /// Whether the text was garbled. An `à` that was misread ends with a no-break space, which trimming takes away:
    /// with that space, the text is repaired, without it, it is not. After any other letter than those two by
    /// which misread letters of Latin languages begin, the space is what it seems: padding.
    fn repair(&self, value: &str, trimmed: &str, repair: &mut EncodingRepair) -> bool {
        let start = value.len() - value.trim_start().len();
        let end = start + trimmed.len();
        let is_cut = self.trim
            && trimmed.ends_with(['Ã', 'Â'])
            && value[end..].starts_with(['\u{a0}', '\u{85}']);
        // Both of these characters take two bytes.
        (is_cut && repair.repair(&value[start..end + 2])) || repair.repair(trimmed)
    }
}

/// Without the white space at both ends. Most values have none, which their first and last byte show.
fn trim(value: &str) -> &str {
    match value.as_bytes() {
        [] => value,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => value,
        _ => value.trim(),
    }
}

impl NullTokens {
    pub fn new(tokens: &[String]) -> Self {
        let lengths = tokens.iter().fold(0, |lengths, token| lengths | length_bit(token));
        Self { tokens: tokens.to_vec(), lengths }
    }

    fn contains(&self, value: &str) -> bool {
        self.lengths & length_bit(value) != 0 && self.tokens.iter().any(|token| token == value)
    }
}

fn length_bit(text: &str) -> u64 {
    1 << text.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(edits: &Edits, value: &str) -> Option<String> {
        edits.edit(value, &mut Scratch::default()).map(str::to_owned)
    }

    #[test]
    fn white_space_of_any_script_is_trimmed() {
        let edits = Edits { trim: true, ..Edits::default() };
        for (value, expected) in [
            ("  a  b\t", "a  b"),
            ("\u{a0}a\r\n", "a"),
            ("\u{3000}日本\u{2003}", "日本"),
            (" ", ""),
            ("", ""),
            ("a", "a"),
            ("é", "é"),
        ] {
            assert_eq!(edited(&edits, value).unwrap(), expected, "{value:?}");
        }
    }

    #[test]
    fn null_tokens_are_exact() {
        let long = "n".repeat(100);
        let tokens = ["".to_owned(), "NULL".to_owned(), "n/a".to_owned(), long.clone()];
        let edits = Edits { null_tokens: NullTokens::new(&tokens), ..Edits::default() };
        for (value, is_null) in [
            ("", true),
            ("NULL", true),
            ("n/a", true),
            ("null", false),
            ("N/A", false),
            ("NULL ", false),
            (&long, true),
            (&long[..99], false),
        ] {
            assert_eq!(edited(&edits, value).is_none(), is_null, "{value:?}");
        }
        assert!(edited(&Edits::default(), "").is_some());
    }

    #[test]
    fn edits_follow_one_another() {
        let edits = Edits {
            trim: true,
            fix_encoding: true,
            null_tokens: NullTokens::new(&["–".to_owned(), "UNKNOWN".to_owned()]),
            case: Some(CaseName::Lower),
        };
        for (value, expected) in [
            (" JOSÃ‰ ", Some("josé")),
            (" â€“ ", None),
            ("UNKNOWN\t", None),
            ("unknown", Some("unknown")),
        ] {
            assert_eq!(edited(&edits, value).as_deref(), expected, "{value:?}");
        }
    }

    #[test]
    fn trimming_does_not_take_half_of_a_garbled_letter() {
        let edits = Edits { trim: true, fix_encoding: true, ..Edits::default() };
        for (value, expected) in [
            (" voilÃ\u{a0} ", "voilà"),
            ("voilÃ\u{a0}\u{a0}", "voilà"),
            ("\u{a0}JosÃ©\u{a0}", "José"),
            // A garbled no-break space.
            ("JosÃ©Â\u{a0}", "José"),
            ("José\u{a0}", "José"),
            ("Groß\u{a0}", "Groß"),
        ] {
            assert_eq!(edited(&edits, value).unwrap(), expected, "{value:?}");
        }
        let only_repair = Edits { trim: false, ..edits };
        assert_eq!(edited(&only_repair, " voilÃ\u{a0}").unwrap(), " voilà");
    }

    #[test]
    fn what_stays_is_not_copied() {
        let edits = Edits {
            trim: true,
            fix_encoding: true,
            null_tokens: NullTokens::new(&["-".to_owned()]),
            case: Some(CaseName::Lower),
        };
        for value in ["jane", "josé", "日本"] {
            assert!(std::ptr::eq(edits.edit(value, &mut Scratch::default()).unwrap(), value));
        }
    }
}
