//! The named patterns that come with the plugin.
//!
//! The names are those that are in use for such patterns; the definitions are written for this plugin. They tell a form, not
//! a meaning: `999.1.1.1` is an `IPV4` no more than `abc` is, but `31/02` is a day of a date. Classes are those of ASCII.

/// Names and definitions, in the order in which the README lists them.
const PATTERNS: &[(&str, &str)] = &[
    // Words and texts.
    ("WORD", r"[0-9A-Za-z_]+"),
    ("NOTSPACE", r"[^\s]+"),
    ("SPACE", r"\s*"),
    ("DATA", r".*?"),
    ("GREEDYDATA", r".*"),
    ("QUOTEDSTRING", r#""(?:[^"\\]|\\.)*""#),
    ("QUOTED", r#"(?:[^"\\]|\\.)*"#),
    ("UUID", r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"),
    // Numbers.
    ("INT", r"[+-]?[0-9]+"),
    ("POSINT", r"[1-9][0-9]*"),
    ("NONNEGINT", r"[0-9]+"),
    ("NUMBER", r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"),
    ("BASE16NUM", r"[+-]?(?:0[xX])?[0-9A-Fa-f]+"),
    // Networks.
    ("BYTE", r"25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]"),
    ("IPV4", r"(?:%{BYTE}\.){3}%{BYTE}"),
    ("IPV6", r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:%{IPV4}|[0-9A-Fa-f]{0,4})(?:%[0-9A-Za-z]+)?"),
    ("IP", r"%{IPV4}|%{IPV6}"),
    ("MAC", r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"),
    ("HOSTNAME", r"[0-9A-Za-z](?:[0-9A-Za-z_-]{0,62})(?:\.[0-9A-Za-z_-]{1,63})*\.?"),
    ("IPORHOST", r"%{IP}|%{HOSTNAME}"),
    ("HOSTPORT", r"%{IPORHOST}:%{POSINT}"),
    ("USER", r"[0-9A-Za-z._@-]+"),
    ("EMAIL", r"[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]+@%{HOSTNAME}"),
    ("PATH", r"/[^\s]*|[A-Za-z]:\\[^\s]*"),
    ("URI", r"[A-Za-z][0-9A-Za-z+.-]*://[^\s]+"),
    // Dates and times.
    ("YEAR", r"[0-9]{4}"),
    ("MONTHNUM", r"0?[1-9]|1[0-2]"),
    ("MONTH", r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"),
    ("MONTHDAY", r"0?[1-9]|[12][0-9]|3[01]"),
    ("DAY", r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"),
    ("HOUR", r"[01]?[0-9]|2[0-3]"),
    ("MINUTE", r"[0-5][0-9]"),
    ("SECOND", r"[0-5][0-9](?:[.,][0-9]{1,9})?"),
    ("TIME", r"%{HOUR}:%{MINUTE}(?::%{SECOND})?"),
    ("TIMEZONE", r"Z|[+-][0-9]{2}:?[0-9]{2}|[A-Z]{3,4}"),
    ("DATE_ISO", r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}"),
    ("DATE_EU", r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"),
    ("DATE_US", r"%{MONTHNUM}[./-]%{MONTHDAY}[./-]%{YEAR}"),
    ("TIMESTAMP_ISO8601", r"%{DATE_ISO}[T ]%{TIME}(?: ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?"),
    ("HTTPDATE", r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{HOUR}:%{MINUTE}:[0-5][0-9] [+-][0-9]{4}"),
    ("SYSLOGTIMESTAMP", r"%{MONTH} {1,2}%{MONTHDAY} %{HOUR}:%{MINUTE}:%{SECOND}"),
    // Logs.
    (
        "LOGLEVEL",
        r"(?i:trace|debug|info(?:rmation)?|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|alert|fatal|emerg(?:ency)?|panic)",
    ),
    ("PROG", r"[^\s\[\]:]+"),
    ("SYSLOGPROG", r"%{PROG:program}(?:\[%{NONNEGINT:pid:int}\])?"),
    ("SYSLOGPRI", r"<%{NONNEGINT:priority:int}>"),
    (
        "SYSLOGLINE",
        r"%{SYSLOGPRI}?%{SYSLOGTIMESTAMP:timestamp} %{IPORHOST:host} %{SYSLOGPROG}: ?%{GREEDYDATA:message}",
    ),
    (
        "SYSLOG5424LINE",
        r"%{SYSLOGPRI}%{NONNEGINT:version:int} (?:%{TIMESTAMP_ISO8601:timestamp:timestamp}|-) (?:%{IPORHOST:host}|-) (?:-|%{NOTSPACE:program}) (?:-|%{NOTSPACE:pid}) (?:-|%{NOTSPACE:message_id}) (?:-|%{STRUCTURED_DATA:structured_data})(?: %{GREEDYDATA:message})?",
    ),
    ("STRUCTURED_DATA", r#"(?:\[(?:[^\]"]|"(?:[^"\\]|\\.)*")*\])+"#),
    (
        "COMMONAPACHELOG",
        r#"%{IPORHOST:client} %{NOTSPACE:ident} %{NOTSPACE:user} \[%{HTTPDATE:timestamp}\] "(?:%{WORD:method} %{NOTSPACE:request}(?: HTTP/%{NUMBER:http_version})?|%{QUOTED:raw_request})" %{NONNEGINT:status:int} (?:%{NONNEGINT:bytes:int}|-)"#,
    ),
    (
        "COMBINEDAPACHELOG",
        r#"%{COMMONAPACHELOG} "(?:-|%{QUOTED:referrer})" "(?:-|%{QUOTED:agent})""#,
    ),
];

/// The definition of a pattern, and its name.
pub fn definition(name: &str) -> Option<(&'static str, &'static str)> {
    PATTERNS.iter().find(|(other, _)| *other == name).copied()
}

/// All names, for messages.
pub fn names() -> String {
    let names: Vec<&str> = PATTERNS.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use regex::Regex;

    use super::*;
    use crate::grok::Grok;

    fn regex(name: &str) -> Regex {
        let own = BTreeMap::new();
        let expanded = Grok::new(&own).expand(&format!("%{{{name}}}")).unwrap();
        Regex::new(&format!(r"\A(?:{})\z", expanded.regex)).unwrap()
    }

    #[test]
    fn every_pattern_compiles_and_is_named_once() {
        for (index, (name, _)) in PATTERNS.iter().enumerate() {
            regex(name);
            assert!(PATTERNS[..index].iter().all(|(other, _)| other != name), "{name}");
        }
    }

    #[test]
    fn what_fits_and_what_does_not() {
        for (name, fits, fits_not) in [
            ("INT", &["0", "-12", "+7"][..], &["", "1.5", "x"][..]),
            ("NUMBER", &["1", "-1.5", ".5", "1.", "6.02e23"], &["", ".", "e5", "1e"]),
            ("POSINT", &["1", "10"], &["0", "01", "-1"]),
            ("BASE16NUM", &["ff", "0xDEADbeef"], &["0x", "g"]),
            ("IPV4", &["0.0.0.0", "255.255.255.255"], &["256.1.1.1", "1.2.3", "1.2.3.4.5"]),
            (
                "IPV6",
                &["::1", "2001:db8::ff00:42:8329", "::ffff:10.0.0.1", "fe80::1%eth0"],
                &["1", "g::1"],
            ),
            ("MAC", &["00:1A:2b:3c:4d:5e", "001a.2b3c.4d5e"], &["00:1a:2b:3c:4d"]),
            ("HOSTNAME", &["localhost", "a.example.com"], &["", "-a", "a..b"]),
            ("EMAIL", &["ada@example.com", "a+b@x.org"], &["ada", "@x"]),
            ("UUID", &["123e4567-e89b-12d3-a456-426614174000"], &["123e4567"]),
            ("QUOTEDSTRING", &[r#""a \"b\" c""#, r#""""#], &[r#"""#, r#""a"b""#]),
            (
                "TIMESTAMP_ISO8601",
                &["2026-01-31T08:30:00Z", "2026-01-31 08:30:00.5 +0100"],
                &["2026-13-01T00:00"],
            ),
            ("HTTPDATE", &["10/Oct/2000:13:55:36 -0700"], &["10/10/2000:13:55:36 -0700"]),
            ("SYSLOGTIMESTAMP", &["Oct  1 22:14:15", "Oct 11 22:14:15"], &["Oct 41 22:14:15"]),
            ("LOGLEVEL", &["INFO", "warning", "Err"], &["loud"]),
            ("DATE_EU", &["31.12.2025", "1/2/2025"], &["31.13.2025"]),
        ] {
            let regex = regex(name);
            for text in fits {
                assert!(regex.is_match(text), "{name} should fit {text:?}");
            }
            for text in fits_not {
                assert!(!regex.is_match(text), "{name} should not fit {text:?}");
            }
        }
    }
}
