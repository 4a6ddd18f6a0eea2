//! Sizes and times as people write them in a pipeline file: `64MiB`, `250ms`.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// A number of bytes: `64MiB`, `500kB`, or a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// A length of time: `250ms`, `30s`, `5m`, `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeSpan(pub Duration);

const BYTE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

const TIME_UNITS: [(&str, f64); 6] =
    [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];

/// The number and the unit of `text`, which may be apart by spaces.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    Some((number, text[end..].trim_start()))
}

impl ByteSize {
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text.trim())?;
        let factor = if unit.is_empty() {
            1
        } else {
            BYTE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1
        };
        Some(Self((number * factor as f64) as u64))
    }
}

impl TimeSpan {
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text.trim())?;
        let factor = TIME_UNITS.iter().find(|(name, _)| *name == unit)?.1;
        Duration::try_from_secs_f64(number * factor).ok().map(Self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(u64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => Self::parse(&text)
                .ok_or_else(|| D::Error::custom(format!("`{text}` is no size such as 64MiB"))),
        }
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is no time such as 250ms or 5s")))
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, such as 64MiB or 500kB.",
            "type": ["string", "integer"],
            "pattern": r"^[0-9.]+ *([kKMGT]i?)?[bB]?$",
            "minimum": 0,
        })
    }
}

impl JsonSchema for TimeSpan {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeSpan".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time, such as 250ms, 5s or 2h.",
            "type": "string",
            "pattern": r"^[0-9.]+ *(us|ms|s|m|h|d)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_as_they_are_written() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("1kB", 1_000),
            ("64MiB", 64 << 20),
            ("64 mib", 64 << 20),
            ("1.5GiB", 3 << 29),
        ] {
            assert_eq!(ByteSize::parse(text), Some(ByteSize(bytes)), "{text}");
        }
        for (text, millis) in [("250ms", 250), ("5s", 5_000), ("1.5 m", 90_000), ("2h", 7_200_000)]
        {
            assert_eq!(
                TimeSpan::parse(text),
                Some(TimeSpan(Duration::from_millis(millis))),
                "{text}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "MiB", "-1", "1 parsec", "1..2"] {
            assert_eq!(ByteSize::parse(text), None, "{text}");
            assert_eq!(TimeSpan::parse(text), None, "{text}");
        }
        assert_eq!(TimeSpan::parse("5"), None, "a time needs a unit");
    }
}
