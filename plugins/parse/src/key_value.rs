//! Pairs of key and value: `level=info msg="all is well" took=12ms`.
//!
//! A value in double quotes may hold separators, and `\"` and `\\`. Words without a key separator are passed over, and of a key
//! that is repeated the last value counts. Text without a single pair is not of the format.

use std::borrow::Cow;

use wasmill_plugin_sdk::prelude::*;

use crate::parser::{Format, Parser, Part, Piece, Unknown};

/// How the pairs are written.
pub struct KeyValue {
    /// White space where none is given.
    pair_separator: Option<String>,
    key_separator: String,
}

struct KeyValueParser {
    format: KeyValue,
    keys: Vec<String>,
}

impl KeyValue {
    /// # Errors
    ///
    /// [`Error::BadConfig`] below `pointer`, where the separators cannot work.
    pub fn new(
        pair_separator: Option<&str>,
        key_separator: Option<&str>,
        pointer: &str,
    ) -> Result<Self> {
        let key_separator = key_separator.unwrap_or("=");
        for (option, separator) in
            [("pair_separator", pair_separator), ("key_separator", Some(key_separator))]
        {
            if separator.is_some_and(|separator| separator.is_empty() || separator.contains('"')) {
                let message = "is empty or has a quote; give the text that separates";
                return Err(Error::bad_config(format!("{pointer}/{option}"), message));
            }
        }
        if pair_separator == Some(key_separator) {
            let message = "is the key separator too; change one of them";
            return Err(Error::bad_config(format!("{pointer}/pair_separator"), message));
        }
        let pair_separator = pair_separator.map(str::to_owned);
        Ok(Self { pair_separator, key_separator: key_separator.to_owned() })
    }

    /// Where the first pair separator begins and ends; the end of the text where there is none.
    fn pair_end(&self, text: &str) -> (usize, usize) {
        let found = match &self.pair_separator {
            Some(separator) => text.find(separator.as_str()).map(|at| (at, at + separator.len())),
            None => text
                .char_indices()
                .find(|(_, character)| character.is_whitespace())
                .map(|(at, character)| (at, at + character.len_utf8())),
        };
        found.unwrap_or((text.len(), text.len()))
    }
}

impl Format for KeyValue {
    fn fields(&self) -> Vec<Part> {
        Vec::new()
    }

    fn parser(self: Box<Self>, from: &[&str]) -> std::result::Result<Box<dyn Parser>, Unknown> {
        let keys = from.iter().map(|key| (*key).to_owned()).collect();
        Ok(Box::new(KeyValueParser { format: *self, keys }))
    }
}

impl Parser for KeyValueParser {
    fn parse<'t>(&mut self, text: &'t str, pieces: &mut [Piece<'t>]) -> bool {
        let mut rest = text;
        let mut has_pair = false;
        while !rest.is_empty() {
            let (pair_end, next) = self.format.pair_end(rest);
            let Some(key_end) = rest[..pair_end].find(self.format.key_separator.as_str()) else {
                rest = &rest[next..];
                continue;
            };
            has_pair = true;
            let key = rest[..key_end].trim();
            let after_key = &rest[key_end + self.format.key_separator.len()..];
            let value = match after_key.strip_prefix('"').and_then(quoted) {
                Some((value, after)) => {
                    // What stands between the quote and the next separator belongs to nothing.
                    rest = &after[self.format.pair_end(after).1..];
                    value
                }
                None => {
                    let value = &rest[key_end + self.format.key_separator.len()..pair_end];
                    rest = &rest[next..];
                    Cow::Borrowed(value.trim())
                }
            };
            for (piece, wanted) in pieces.iter_mut().zip(&self.keys) {
                if wanted == key {
                    *piece = Some(value.clone());
                }
            }
        }
        has_pair
    }

    fn rule(&self) -> &'static str {
        "bad-key-value"
    }

    fn expected(&self) -> &'static str {
        "text of pairs of key and value"
    }
}

/// The value before the closing quote, and the text after it; none where there is no closing quote.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut unescaped: Option<String> = None;
    let mut start = 0;
    let mut at = 0;
    loop {
        at += text[at..].find(['"', '\\'])?;
        if text.as_bytes()[at] == b'"' {
            let value = match unescaped {
                Some(mut value) => {
                    value.push_str(&text[start..at]);
                    Cow::Owned(value)
                }
                None => Cow::Borrowed(&text[..at]),
            };
            return Some((value, &text[at + 1..]));
        }
        if matches!(text.as_bytes().get(at + 1), Some(b'"' | b'\\')) {
            unescaped.get_or_insert_default().push_str(&text[start..at]);
            // The escaped character itself is copied with what follows it.
            start = at + 1;
            at += 2;
        } else {
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(format: KeyValue, keys: &[&str], text: &str) -> Option<Vec<Option<String>>> {
        let Ok(mut parser) = Box::new(format).parser(keys) else { panic!("any key is taken") };
        let mut pieces = vec![None; keys.len()];
        parser
            .parse(text, &mut pieces)
            .then(|| pieces.into_iter().map(|piece| piece.map(Cow::into_owned)).collect())
    }

    #[test]
    fn pairs() {
        for (text, expected) in [
            ("a=1 b=2", Some([Some("1"), Some("2")])),
            ("  a=1\t\nb=2  ", Some([Some("1"), Some("2")])),
            ("a=1 noise a=3", Some([Some("3"), None])),
            (r#"a="x y" b="q \"z\" \\""#, Some([Some("x y"), Some(r#"q "z" \"#)])),
            (r#"a="" b="#, Some([Some(""), Some("")])),
            (r#"a="open b=2"#, Some([Some("\"open"), Some("2")])),
            ("b=a=c", Some([None, Some("a=c")])),
            (r#"a="\n" b=ü"#, Some([Some(r"\n"), Some("ü")])),
            ("nothing here", None),
            ("", None),
        ] {
            let format = KeyValue::new(None, None, "").unwrap();
            let expected =
                expected.map(|pieces| pieces.map(|piece| piece.map(str::to_owned)).to_vec());
            assert_eq!(parse(format, &["a", "b"], text), expected, "{text}");
        }
    }

    #[test]
    fn other_separators() {
        let format = KeyValue::new(Some("; "), Some(": "), "").unwrap();
        let expected = vec![Some("1 2".to_owned()), Some("x; y".to_owned())];
        assert_eq!(parse(format, &["a", "b"], "a: 1 2; b: \"x; y\""), Some(expected));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*", odd in r#"[a= "\\;:]*"#) {
            for text in [&text, &odd] {
                parse(KeyValue::new(None, None, "").unwrap(), &["a"], text);
                parse(KeyValue::new(Some(";"), Some("::"), "").unwrap(), &["a"], text);
            }
        }
    }
}
