//! The check `parses_as`: whether a text can be read as a value of another type.
//!
//! Nothing is trimmed: a text with white space around it cannot be read.

use wasmill_plugin_sdk::config;

use crate::calendar::{parse_date, parse_instant};

/// What a text can be read as.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A whole number of 64 bits.
    Int64,
    /// A finite number, such as `1`, `-0.5` or `1e-9`.
    Float64,
    /// A date, such as `2024-12-31`.
    Date,
    /// A date with a time of day and perhaps an offset, such as `2024-12-31T08:30:00Z`.
    Timestamp,
    /// An e-mail address, such as `jo@example.org`.
    Email,
    /// A URL with a host, such as `https://example.org/a?b=c`.
    Url,
    /// A UUID, such as `123e4567-e89b-12d3-a456-426614174000`.
    Uuid,
}

impl Format {
    /// Whether the text can be read so.
    pub fn reads(self, text: &str) -> bool {
        match self {
            Self::Int64 => text.parse::<i64>().is_ok(),
            Self::Float64 => text.parse().is_ok_and(f64::is_finite),
            Self::Date => parse_date(text).is_some(),
            Self::Timestamp => parse_instant(text).is_some(),
            Self::Email => is_email(text),
            Self::Url => is_url(text),
            Self::Uuid => is_uuid(text.as_bytes()),
        }
    }

    /// The format, for a person.
    pub fn described(self) -> &'static str {
        match self {
            Self::Int64 => "an int64",
            Self::Float64 => "a float64",
            Self::Date => "a date such as 2024-12-31",
            Self::Timestamp => "a timestamp such as 2024-12-31T08:30:00Z",
            Self::Email => "an e-mail address",
            Self::Url => "a URL",
            Self::Uuid => "a UUID",
        }
    }
}

/// Addresses as they are in use: the dot-atom of RFC 5322 with the letters of RFC 6531, at a domain of at
/// least two labels. Quoted local parts, comments and address literals are not accepted.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    local.len() <= 64
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character))
        && domain.contains('.')
        && is_domain(domain)
}

fn is_atom_character(character: char) -> bool {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_'
        | '`' | '{' | '|' | '}' | '~' => true,
        _ => character.is_alphanumeric(),
    }
}

/// A host name: labels of letters, digits and inner hyphens (RFC 1123), of any script (RFC 5890).
fn is_domain(domain: &str) -> bool {
    domain.len() <= 253
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|character| character == '-' || character.is_alphanumeric())
        })
}

/// A URL with an authority (RFC 3986, 3.2), with letters of any script.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    is_scheme
        && authority.chars().chain(path.chars()).all(is_url_character)
        && is_host(host_and_port)
}

fn is_host(host_and_port: &str) -> bool {
    let is_port = |port: &str| {
        port.is_empty()
            || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
    };
    if let Some(literal) = host_and_port.strip_prefix('[') {
        let Some((address, port)) = literal.split_once(']') else { return false };
        return address.parse::<std::net::Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = host_and_port.split_once(':').unwrap_or((host_and_port, ""));
    let is_host_character = |character: char| {
        character.is_alphanumeric() || matches!(character, '-' | '.' | '_' | '~' | '%')
    };
    !host.is_empty() && host.chars().all(is_host_character) && is_port(port)
}

fn is_url_character(character: char) -> bool {
    match character {
        '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' => false,
        _ => !character.is_whitespace() && !character.is_control(),
    }
}

/// The form of RFC 9562, 4, in either case: 8-4-4-4-12 hexadecimal digits.
fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, readable: &[&str], unreadable: &[&str]) {
        for text in readable {
            assert!(format.reads(text), "{format:?} {text:?}");
        }
        for text in unreadable {
            assert!(!format.reads(text), "{format:?} {text:?}");
        }
    }

    #[test]
    fn numbers() {
        check(
            Format::Int64,
            &["0", "-1", "+7", "9223372036854775807"],
            &["", " 1", "1.0", "1e3", "9223372036854775808", "0x1f", "1,000"],
        );
        check(
            Format::Float64,
            &["0", "-0.5", "1e-9", ".5", "5."],
            &["", "inf", "NaN", "1e999", "1,5", "1.5 "],
        );
    }

    #[test]
    fn dates_and_timestamps() {
        check(Format::Date, &["2024-02-29"], &["2023-02-29", "29.02.2024", "2024-02-29T00:00:00Z"]);
        check(
            Format::Timestamp,
            &["2024-02-29T12:00:00Z", "2024-02-29 12:00:00.123456+02:00"],
            &["2024-02-29", "2024-02-29T25:00:00Z"],
        );
    }

    #[test]
    fn emails() {
        check(
            Format::Email,
            &["jo@example.org", "jo.do+tag@mail.example.co.uk", "jürgen@müller.example", "a@b.c"],
            &[
                "",
                "jo",
                "@example.org",
                "jo@",
                "jo@localhost",
                "jo@@example.org",
                ".jo@example.org",
                "jo.@example.org",
                "j..o@example.org",
                "jo@-example.org",
                "jo@example..org",
                "jo do@example.org",
                "jo@example.org ",
            ],
        );
    }

    #[test]
    fn urls() {
        check(
            Format::Url,
            &[
                "https://example.org",
                "http://localhost:8080/a?b=c#d",
                "ftp://jo:pw@example.org/",
                "https://[2001:db8::1]:443/",
                "s3://bucket/key",
                "https://müller.example/ö",
            ],
            &[
                "",
                "example.org",
                "https://",
                "https:///path",
                "://example.org",
                "1http://example.org",
                "https://exa mple.org",
                "https://example.org/a b",
                "https://example.org:99999/",
                "https://example.org:+1/",
                "https://[::1",
                "https://[xyz]/",
                "mailto:jo@example.org",
            ],
        );
    }

    #[test]
    fn uuids() {
        check(
            Format::Uuid,
            &["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
            &["", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
        );
    }
}
