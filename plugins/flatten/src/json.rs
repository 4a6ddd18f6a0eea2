//! Reads JSON text (RFC 8259) from front to back, without making anything of it.
//!
//! Values are handed out as the text that stands for them, so numbers keep all their digits. A text is checked as a whole as it is
//! read: what a reader has passed over was JSON.

use std::borrow::Cow;

/// Why a text cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// No JSON, from this byte on.
    Bad(usize),
    /// Nested deeper than is allowed.
    TooDeep,
}

/// What a value is, by its first character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// The kind of a value, which is JSON.
    pub fn of(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'"') => Self::String,
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}

/// Where in a text a reader is.
#[derive(Debug, Clone)]
pub struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// How many more levels there may be.
    levels: usize,
}

impl<'t> Reader<'t> {
    /// `depth` is how many objects and lists may be within each other.
    pub fn new(text: &'t str, depth: usize) -> Self {
        Self { text, at: 0, levels: depth }
    }

    fn flaw<T>(&self) -> Result<T, Flaw> {
        Err(Flaw::Bad(self.at))
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        // Mostly there is none.
        if self.byte().is_none_or(|byte| byte > b' ') {
            return;
        }
        self.at = self.end_of(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
    }

    /// Where the bytes end that are so.
    fn end_of(&self, is_so: impl Fn(u8) -> bool) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        self.at + rest.iter().position(|byte| !is_so(*byte)).unwrap_or(rest.len())
    }

    fn take(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.byte() != Some(byte) {
            return self.flaw();
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space is left.
    pub fn end(&mut self) -> Result<(), Flaw> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { self.flaw() }
    }

    /// What the next value is.
    pub fn kind(&mut self) -> Result<Kind, Flaw> {
        self.space();
        self.kind_here()
    }

    fn kind_here(&self) -> Result<Kind, Flaw> {
        match self.byte() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b't' | b'f') => Ok(Kind::Boolean),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => self.flaw(),
        }
    }

    /// The text of the next value, without white space around it.
    pub fn value(&mut self) -> Result<&'t str, Flaw> {
        self.space();
        let start = self.at;
        match self.kind_here()? {
            Kind::String => {
                self.string()?;
            }
            Kind::Number => self.number()?,
            Kind::Boolean if self.byte() == Some(b't') => self.word("true")?,
            Kind::Boolean => self.word("false")?,
            Kind::Null => self.word("null")?,
            Kind::Array => self.elements(|reader, _| reader.value().map(|_| ()))?,
            Kind::Object => self.members(|reader, _, _| reader.value().map(|_| ()))?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Reads a list: `element` reads each element, given its position.
    pub fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self, usize) -> Result<(), Flaw>,
    ) -> Result<(), Flaw> {
        self.descend(b'[')?;
        self.space();
        if self.byte() != Some(b']') {
            let mut position = 0;
            loop {
                element(self, position)?;
                position += 1;
                self.space();
                if self.byte() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.ascend(b']')
    }

    /// Reads an object: `member` reads each value, given the text of its key, with quotes, and whether there are escapes in it.
    pub fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &'t str, bool) -> Result<(), Flaw>,
    ) -> Result<(), Flaw> {
        self.descend(b'{')?;
        self.space();
        if self.byte() != Some(b'}') {
            loop {
                let (key, has_escapes) = self.string()?;
                self.space();
                self.take(b':')?;
                member(self, key, has_escapes)?;
                self.space();
                if self.byte() != Some(b',') {
                    break;
                }
                self.at += 1;
                self.space();
            }
        }
        self.ascend(b'}')
    }

    fn descend(&mut self, opening: u8) -> Result<(), Flaw> {
        self.space();
        self.take(opening)?;
        self.levels = self.levels.checked_sub(1).ok_or(Flaw::TooDeep)?;
        Ok(())
    }

    fn ascend(&mut self, closing: u8) -> Result<(), Flaw> {
        self.take(closing)?;
        self.levels += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Flaw> {
        if !self.text[self.at..].starts_with(word) {
            return self.flaw();
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        self.at = self.end_of(|byte| byte.is_ascii_digit());
        self.at - start
    }

    fn number(&mut self) -> Result<(), Flaw> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let starts_with_zero = self.byte() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (starts_with_zero && whole > 1) {
            return self.flaw();
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.flaw();
            }
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.flaw();
            }
        }
        Ok(())
    }

    /// The text of a string, with its quotes, and whether there are escapes in it.
    fn string(&mut self) -> Result<(&'t str, bool), Flaw> {
        let start = self.at;
        self.take(b'"')?;
        let mut has_escapes = false;
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((&self.text[start..self.at], has_escapes));
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.escape()?;
                }
                _ => return self.flaw(),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        let rest = &self.text.as_bytes()[self.at..];
        match rest {
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => self.at += 2,
            [b'\\', b'u', rest @ ..] => {
                let Some(unit) = code_unit(rest) else { return self.flaw() };
                let length = match unit {
                    // Halves of a pair come together.
                    0xd800..=0xdbff => match rest[4..] {
                        [b'\\', b'u', ref rest @ ..]
                            if matches!(code_unit(rest), Some(0xdc00..=0xdfff)) =>
                        {
                            12
                        }
                        _ => return self.flaw(),
                    },
                    0xdc00..=0xdfff => return self.flaw(),
                    _ => 6,
                };
                self.at += length;
            }
            _ => return self.flaw(),
        }
        Ok(())
    }
}

/// How many bytes come before a quote, a backslash or a control character; all of them where there is none.
///
/// Eight at a time: a byte that is wanted becomes zero, and the borrow of a subtraction shows the first zero in its highest bit.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHEST;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = below(word ^ (ONES * u64::from(b'"')), 1)
            | below(word ^ (ONES * u64::from(b'\\')), 1)
            | below(word, 0x20);
        if special != 0 {
            return index * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..0x20);
    words.len() * 8 + rest.iter().take_while(|byte| is_plain(byte)).count()
}

/// Four hexadecimal digits.
fn code_unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// What a string stands for; `text` is one that was read, with its quotes.
pub fn unquoted(text: &str) -> Cow<'_, str> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, escape)) = rest.split_once('\\') {
        value.push_str(before);
        let (character, length) = match escape.as_bytes().first() {
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(b'u') => escaped_character(escape.as_bytes()),
            // A quote, a backslash or a slash stands for itself.
            Some(byte) => (char::from(*byte), 1),
            None => break,
        };
        value.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    value.push_str(rest);
    Cow::Owned(value)
}

/// The character of `uXXXX`, or of a pair `uXXXX\uXXXX`, and its length.
fn escaped_character(escape: &[u8]) -> (char, usize) {
    let unit = |at: usize| escape.get(at..).and_then(code_unit).unwrap_or_default();
    match unit(1) {
        high @ 0xd800..=0xdbff => {
            let low = unit(7);
            let code = 0x1_0000 + ((high & 0x3ff) << 10 | (low & 0x3ff));
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
        }
        code => (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn check(text: &str) -> Result<&str, Flaw> {
        let mut reader = Reader::new(text, 127);
        let value = reader.value()?;
        reader.end()?;
        Ok(value)
    }

    #[test]
    fn what_is_json() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0.5e+10",
            "1E5",
            "\"\"",
            "[]",
            "{}",
            "[1, [2]]",
            r#"{"a": {"b": [1, "x"]}, "": null}"#,
            r#""\"\\\/\b\f\n\r\t\u00fc""#,
            r#""\ud83d\ude00""#,
            "\"ü€😀\"",
            "\"\u{7f}\"",
        ] {
            assert!(check(text).is_ok(), "{text}");
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_not() {
        for text in [
            "",
            " ",
            "nul",
            "truex",
            "01",
            "-",
            "1.",
            ".5",
            "+1",
            "1e",
            "NaN",
            "\"",
            "\"\n\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ud83d\u0020""#,
            r#""\ude00""#,
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,]",
            "{",
            "{1:2}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            "{}}",
            "1 2",
            "\u{feff}1",
            "'a'",
        ] {
            assert!(matches!(check(text), Err(Flaw::Bad(_))), "{text}");
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Reader::new(&nested(3), 3).value().is_ok());
        assert_eq!(Reader::new(&nested(4), 3).value(), Err(Flaw::TooDeep));
        assert_eq!(Reader::new(&"[".repeat(1_000_000), 128).value(), Err(Flaw::TooDeep));
        // Beside each other, not within.
        assert!(Reader::new("[[], [], {}]", 2).value().is_ok());
    }

    proptest! {
        #[test]
        fn eight_bytes_at_a_time_are_as_good_as_one(bytes in proptest::collection::vec(prop_oneof![Just(b'"'), Just(b'\\'), 0..0x20_u8, 0x20..=255_u8, 0x20..=255_u8], 0..40)) {
            let expected = bytes.iter().take_while(|byte| **byte >= 0x20 && !b"\"\\".contains(byte)).count();
            prop_assert_eq!(plain_length(&bytes), expected);
        }

        #[test]
        fn the_same_texts_are_json_as_elsewhere(text in r#"[\[\]{}:,"\\/u0-9a-fn\. tre+-]{0,12}"#) {
            // A number beyond the range of f64 is JSON, though no number there.
            let other = serde_json::from_str::<Value>(&text);
            let is_out_of_range = other.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(is_out_of_range || check(&text).is_ok() == other.is_ok(), "{}", text);
        }

        #[test]
        fn strings_are_what_they_are_elsewhere(text in ".*", escaped in r#"(\\u[0-9a-f]{4}|\\[nrt"\\/bf]|[a-zü])*"#) {
            let quoted = Value::String(text.clone()).to_string();
            prop_assert_eq!(unquoted(check(&quoted).unwrap()), text);
            let escaped = format!("\"{escaped}\"");
            match serde_json::from_str::<String>(&escaped) {
                Ok(value) => prop_assert_eq!(unquoted(check(&escaped).unwrap()), value),
                Err(_) => prop_assert!(check(&escaped).is_err()),
            }
        }
    }
}
