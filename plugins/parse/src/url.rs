//! URLs by the syntax of RFC 3986: scheme, authority, path, query, fragment.
//!
//! Scheme and host come in lower case, the rest as it is written. `query.NAME` is the first parameter of that name, decoded as
//! forms encode it: `+` is a space, `%XX` a byte. What a browser would repair is not repaired here.

use std::borrow::Cow;

use wasmill_plugin_values::config::TypeName;

use crate::parser::{Format, Parser, Part, Piece, Unknown};

/// The parts by name, before the parameters of the query.
const PARTS: [&str; 7] = ["scheme", "user", "host", "port", "path", "query", "fragment"];

/// URLs, or references relative to one as well.
pub struct Url {
    pub accepts_relative: bool,
}

enum Wanted {
    Part(usize),
    Parameter(String),
}

struct UrlParser {
    accepts_relative: bool,
    wanted: Vec<Wanted>,
}

impl Format for Url {
    fn fields(&self) -> Vec<Part> {
        let data_type = |name: &str| if name == "port" { TypeName::UInt16 } else { TypeName::Utf8 };
        PARTS.iter().map(|name| Part::of(name, data_type(name))).collect()
    }

    fn parser(self: Box<Self>, from: &[&str]) -> Result<Box<dyn Parser>, Unknown> {
        let mut wanted = Vec::new();
        for (index, name) in from.iter().enumerate() {
            wanted.push(
                match (PARTS.iter().position(|part| part == name), name.strip_prefix("query.")) {
                    (Some(part), _) => Wanted::Part(part),
                    (None, Some(parameter)) if !parameter.is_empty() => {
                        Wanted::Parameter(parameter.to_owned())
                    }
                    _ => {
                        let message = format!(
                            "is {name:?}; there are {}, and query.NAME for parameters",
                            PARTS.join(", ")
                        );
                        return Err(Unknown { index, message });
                    }
                },
            );
        }
        Ok(Box::new(UrlParser { accepts_relative: self.accepts_relative, wanted }))
    }
}

impl Parser for UrlParser {
    fn parse<'t>(&mut self, text: &'t str, pieces: &mut [Piece<'t>]) -> bool {
        let Some(parts) = split(text) else { return false };
        if !self.accepts_relative && (parts[0].is_none() || parts[2].is_none()) {
            return false;
        }
        for (piece, wanted) in pieces.iter_mut().zip(&self.wanted) {
            *piece = match wanted {
                Wanted::Part(part) => parts[*part].clone(),
                Wanted::Parameter(name) => {
                    parts[5].as_deref().and_then(|query| parameter(query, name)).map(Cow::Owned)
                }
            };
        }
        true
    }

    fn rule(&self) -> &'static str {
        "bad-url"
    }

    fn expected(&self) -> &'static str {
        "URL"
    }
}

/// The parts; none where the text is no URL. An empty path is none, as is the host of an empty authority.
fn split(text: &str) -> Option<[Piece<'_>; 7]> {
    let is_allowed = |byte: u8| byte > b' ' && byte != 0x7f && !matches!(byte, b'<' | b'>' | b'"');
    if text.is_empty() || !text.bytes().all(is_allowed) {
        return None;
    }
    let (text, fragment) = cut(text, '#');
    let (text, query) = cut(text, '?');
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(lower_case(scheme)), rest),
        // Before the first slash, a colon ends a scheme, or should.
        Some((before, _)) if !before.contains('/') => return None,
        _ => (None, text),
    };
    let (mut user, mut host, mut port) = (None, None, None);
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let (before, address) = match authority.rsplit_once('@') {
                Some((before, address)) => (Some(before), address),
                None => (None, authority),
            };
            // The password is left out: it should not have been there, and has no place in a column.
            user = before.map(|before| Cow::Borrowed(cut(before, ':').0));
            let (name, after) = match address.strip_prefix('[') {
                Some(bracketed) => {
                    let (name, after) = bracketed.split_once(']')?;
                    if !name.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.%".contains(&byte))
                    {
                        return None;
                    }
                    (name, after)
                }
                None => address.split_at(address.find(':').unwrap_or(address.len())),
            };
            port = match after.strip_prefix(':') {
                None if after.is_empty() => None,
                None => return None,
                Some("") => None,
                Some(digits) => {
                    let is_port = digits.bytes().all(|byte| byte.is_ascii_digit())
                        && digits.parse::<u16>().is_ok();
                    if !is_port {
                        return None;
                    }
                    Some(Cow::Borrowed(digits))
                }
            };
            if name.is_empty() && (port.is_some() || user.is_some()) {
                return None;
            }
            host = (!name.is_empty()).then(|| lower_case(name));
            path
        }
        None => rest,
    };
    let path = (!path.is_empty()).then_some(Cow::Borrowed(path));
    Some([scheme, user, host, port, path, query.map(Cow::Borrowed), fragment.map(Cow::Borrowed)])
}

fn cut(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn lower_case(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// The first parameter of that name, decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = cut(pair, '=');
        (decoded(key) == name).then(|| decoded(value.unwrap_or_default()))
    })
}

/// Bytes that are no UTF-8 become U+FFFD; a `%` without two digits stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(first),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<Vec<String>> {
        let parts = split(text)?;
        Some(parts.iter().map(|part| part.as_deref().unwrap_or("-").to_owned()).collect())
    }

    #[test]
    fn parts_of_urls() {
        for (url, expected) in [
            (
                "HTTP://Shop.Example:8080/a/b?q=1#top",
                ["http", "-", "shop.example", "8080", "/a/b", "q=1", "top"],
            ),
            ("https://ada:secret@x.org", ["https", "ada", "x.org", "-", "-", "-", "-"]),
            ("http://[2001:DB8::1]:443/", ["http", "-", "2001:db8::1", "443", "/", "-", "-"]),
            ("https://münchen.example/ä?ö", ["https", "-", "münchen.example", "-", "/ä", "ö", "-"]),
            ("mailto:ada@example.com", ["mailto", "-", "-", "-", "ada@example.com", "-", "-"]),
            ("file:///etc/hosts", ["file", "-", "-", "-", "/etc/hosts", "-", "-"]),
            ("/search?q=a:b", ["-", "-", "-", "-", "/search", "q=a:b", "-"]),
            ("//cdn.example/x", ["-", "-", "cdn.example", "-", "/x", "-", "-"]),
            ("http://x/?", ["http", "-", "x", "-", "/", "", "-"]),
            ("http://x:/", ["http", "-", "x", "-", "/", "-", "-"]),
        ] {
            assert_eq!(parts(url), Some(expected.map(str::to_owned).to_vec()), "{url}");
        }
        for text in [
            "",
            "a b",
            "http://x:99999/",
            "http://x:1a/",
            "http://[::1",
            "http://[::1]x",
            "1http://x",
            "http://:80/",
            "http://u@/",
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let query = "a=1&b=x+y%20z&a=2&c&%C3%BC=%E2%82%AC&d=%&e=%zz&f=%ff";
        for (name, expected) in [
            ("a", Some("1")),
            ("b", Some("x y z")),
            ("c", Some("")),
            ("ü", Some("€")),
            ("d", Some("%")),
            ("e", Some("%zz")),
            ("f", Some("\u{fffd}")),
            ("g", None),
        ] {
            assert_eq!(parameter(query, name).as_deref(), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".*", odd in r"[a:/@?#\[\]%.1é]*") {
            for text in [&text, &odd] {
                split(text);
                parameter(text, "a");
            }
        }
    }
}
