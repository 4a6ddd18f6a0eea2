//! Values of one line of CSV, as RFC 4180 has them: a value in double quotes may hold delimiters and line breaks, and quotes that
//! are doubled. Text with more values or fewer than there are fields is not of the format.

use std::borrow::Cow;

use crate::parser::{Format, Parser, Part, Piece, Unknown};

/// How values are divided.
pub struct Delimited {
    delimiter: u8,
}

struct DelimitedParser {
    delimiter: u8,
}

impl Delimited {
    /// `delimiter` is an ASCII character.
    pub fn new(delimiter: u8) -> Self {
        Self { delimiter }
    }
}

impl Format for Delimited {
    fn fields(&self) -> Vec<Part> {
        Vec::new()
    }

    fn parser(self: Box<Self>, _: &[&str]) -> Result<Box<dyn Parser>, Unknown> {
        Ok(Box::new(DelimitedParser { delimiter: self.delimiter }))
    }
}

impl Parser for DelimitedParser {
    fn parse<'t>(&mut self, text: &'t str, pieces: &mut [Piece<'t>]) -> bool {
        let mut rest = Some(text);
        for piece in pieces {
            let Some(text) = rest else { return false };
            let Some((value, after)) = take_value(text, self.delimiter) else { return false };
            // As in files: without quotes, nothing is null.
            *piece = value;
            rest = after;
        }
        rest.is_none()
    }

    fn rule(&self) -> &'static str {
        "bad-csv"
    }

    fn expected(&self) -> &'static str {
        "line of CSV with so many values"
    }
}

/// The first value, and the text after its delimiter, which is none at the end. None where quotes are wrong.
fn take_value(text: &str, delimiter: u8) -> Option<(Piece<'_>, Option<&str>)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, after) = match text.bytes().position(|byte| byte == delimiter) {
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        return Some(((!value.is_empty()).then_some(Cow::Borrowed(value)), after));
    };
    let mut unescaped = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        let (value, after) = (&rest[..end], &rest[end + 1..]);
        if let Some(after) = after.strip_prefix('"') {
            unescaped.push_str(value);
            unescaped.push('"');
            rest = after;
            continue;
        }
        let value =
            if unescaped.is_empty() { Cow::Borrowed(value) } else { Cow::Owned(unescaped + value) };
        return match after.as_bytes().first() {
            None => Some((Some(value), None)),
            Some(&byte) if byte == delimiter => Some((Some(value), Some(&after[1..]))),
            Some(_) => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, fields: usize, delimiter: u8) -> Option<Vec<Option<String>>> {
        let mut pieces = vec![None; fields];
        DelimitedParser { delimiter }
            .parse(text, &mut pieces)
            .then(|| pieces.into_iter().map(|piece| piece.map(Cow::into_owned)).collect())
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("a,b", Some([Some("a"), Some("b")])),
            (",", Some([None, None])),
            (r#""","x""#, Some([Some(""), Some("x")])),
            (
                r#""a,""b""
c",é"#,
                Some([Some("a,\"b\"\nc"), Some("é")]),
            ),
            (r#"a"b, c"#, Some([Some("a\"b"), Some(" c")])),
            ("a", None),
            ("a,b,c", None),
            ("", None),
            (r#""a,b"#, None),
            (r#""a"x,b"#, None),
        ] {
            let expected =
                expected.map(|pieces| pieces.map(|piece| piece.map(str::to_owned)).to_vec());
            assert_eq!(parse(text, 2, b','), expected, "{text}");
        }
        assert_eq!(parse("a|b,c", 2, b'|'), Some(vec![Some("a".into()), Some("b,c".into())]));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*", odd in r#"[a,"]*"#) {
            parse(&text, 3, b',');
            parse(&odd, 3, b',');
        }
    }
}
