//! Formats of dates and times, written as for `strptime`: `%d/%m/%Y %H:%M`.
//!
//! A format is compiled once, which finds what cannot work: an unknown directive, a day that stays unknown, a part
//! that is given twice. Text must then match it from end to end.
//!
//! | | |
//! |---|---|
//! | `%Y` | year, four digits |
//! | `%y` | year, two digits: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068, as in POSIX |
//! | `%m`, `%d`, `%H`, `%M`, `%S` | month, day, hour from 0 to 23, minute, second; one or two digits, two where numbers touch |
//! | `%e` | day, also with a space instead of the first digit |
//! | `%b`, `%B` | month by its English name, whole or its first three letters, in any case |
//! | `%j` | day of the year |
//! | `%I`, `%p` | hour from 1 to 12, and `AM` or `PM` |
//! | `%f` | fraction of the second, one to nine digits |
//! | `%z` | offset: `+01:00`, `+0100`, `+01` or `Z` |
//! | `%Z` | `UTC`, `GMT` or `Z` |
//! | `%F`, `%T` | `%Y-%m-%d`, `%H:%M:%S` |
//! | `%+` | ISO 8601, alone in a format |
//! | `%%` | a percent sign |

use crate::calendar::{MICROS_PER_SECOND, days_from_date, days_from_ordinal};
use crate::iso8601::{parse_moment, take_fraction, take_offset};

const DIRECTIVES: &str =
    "%Y, %y, %m, %d, %e, %b, %B, %j, %H, %M, %S, %I, %p, %f, %z, %Z, %F, %T, %+ and %%";
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A day and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Days since 1970-01-01.
    pub days: i32,
    /// Microseconds since midnight.
    pub micros: i64,
    /// How far the clock is ahead of UTC, where the text says so.
    pub offset_seconds: Option<i32>,
}

/// A compiled format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    Iso8601,
    Parts(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Literal(Vec<u8>),
    Number { field: Field, digits: Digits },
    MonthName,
    HalfDay,
    Fraction,
    Offset,
    Utc,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    least: usize,
    most: usize,
    /// Whether a space may stand instead of the first digit.
    space: bool,
}

/// What a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Year,
    YearOfCentury,
    Month,
    Day,
    DayOfYear,
    Hour,
    HourOfHalfDay,
    Minute,
    Second,
}

/// What has been read so far.
#[derive(Default)]
struct Read {
    year: u32,
    month: u32,
    day: u32,
    day_of_year: Option<u32>,
    hour: u32,
    is_afternoon: bool,
    minute: u32,
    second: u32,
    micros: i64,
    offset_seconds: Option<i32>,
}

impl Format {
    /// # Errors
    ///
    /// What cannot work, for people.
    pub fn compile(format: &str) -> Result<Self, String> {
        if format == "%+" {
            return Ok(Self::Iso8601);
        }
        let mut parts = Vec::new();
        let mut characters = format.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                push_literal(&mut parts, character);
                continue;
            }
            let directive = characters.next();
            match directive {
                Some('%') => push_literal(&mut parts, '%'),
                Some('F') => {
                    parts.push(number('Y'));
                    push_literal(&mut parts, '-');
                    parts.push(number('m'));
                    push_literal(&mut parts, '-');
                    parts.push(number('d'));
                }
                Some('T') => {
                    parts.push(number('H'));
                    push_literal(&mut parts, ':');
                    parts.push(number('M'));
                    push_literal(&mut parts, ':');
                    parts.push(number('S'));
                }
                Some('b' | 'B') => parts.push(Part::MonthName),
                Some('p') => parts.push(Part::HalfDay),
                Some('f') => parts.push(Part::Fraction),
                Some('z') => parts.push(Part::Offset),
                Some('Z') => parts.push(Part::Utc),
                Some(letter @ ('Y' | 'y' | 'm' | 'd' | 'e' | 'j' | 'H' | 'I' | 'M' | 'S')) => {
                    parts.push(number(letter));
                }
                Some('+') => {
                    return Err(format!("`{format}` has %+ among others; it stands alone"));
                }
                Some(other) => {
                    return Err(format!("`{format}` has %{other}, which is none of {DIRECTIVES}"));
                }
                None => return Err(format!("`{format}` ends with %; write %% for a percent sign")),
            }
        }
        check(format, &parts)?;
        // Where numbers touch, only the full count of digits says where one ends.
        let are_digits: Vec<bool> = parts.iter().map(Part::is_digits).collect();
        for (index, part) in parts.iter_mut().enumerate() {
            let touches = |neighbour: Option<usize>| {
                neighbour
                    .and_then(|index| are_digits.get(index))
                    .is_some_and(|is_digits| *is_digits)
            };
            if let Part::Number { digits, .. } = part
                && (touches(index.checked_sub(1)) || touches(index.checked_add(1)))
            {
                digits.least = digits.most;
            }
        }
        Ok(Self::Parts(parts))
    }

    /// Whether text in this format says which zone it is in.
    pub fn has_zone(&self) -> bool {
        match self {
            Self::Iso8601 => true,
            Self::Parts(parts) => parts.iter().any(|part| matches!(part, Part::Offset | Part::Utc)),
        }
    }

    /// None where `text` is not in this format, or no day or time that exists.
    pub fn parse(&self, text: &str) -> Option<Moment> {
        let parts = match self {
            Self::Iso8601 => return parse_moment(text),
            Self::Parts(parts) => parts,
        };
        let mut read = Read::default();
        let mut rest = text.as_bytes();
        for part in parts {
            rest = part.take(rest, &mut read)?;
        }
        if !rest.is_empty() {
            return None;
        }
        read.moment()
    }
}

fn push_literal(parts: &mut Vec<Part>, character: char) {
    let mut buffer = [0; 4];
    let bytes = character.encode_utf8(&mut buffer).as_bytes();
    match parts.last_mut() {
        Some(Part::Literal(text)) => text.extend_from_slice(bytes),
        _ => parts.push(Part::Literal(bytes.to_vec())),
    }
}

/// The part for the letter of a number.
fn number(letter: char) -> Part {
    let (field, least, most) = match letter {
        'Y' => (Field::Year, 4, 4),
        'y' => (Field::YearOfCentury, 2, 2),
        'm' => (Field::Month, 1, 2),
        'j' => (Field::DayOfYear, 1, 3),
        'H' => (Field::Hour, 1, 2),
        'I' => (Field::HourOfHalfDay, 1, 2),
        'M' => (Field::Minute, 1, 2),
        'S' => (Field::Second, 1, 2),
        _ => (Field::Day, 1, 2),
    };
    Part::Number { field, digits: Digits { least, most, space: letter == 'e' } }
}

/// Refuses formats that say a part twice, or leave the day unknown.
fn check(format: &str, parts: &[Part]) -> Result<(), String> {
    let count = |fields: &[Field]| {
        let is_one =
            |part: &&Part| matches!(part, Part::Number { field, .. } if fields.contains(field));
        parts.iter().filter(is_one).count()
    };
    let count_part = |wanted: &Part| parts.iter().filter(|part| *part == wanted).count();
    let years = count(&[Field::Year, Field::YearOfCentury]);
    let months = count(&[Field::Month]) + count_part(&Part::MonthName);
    let (days, days_of_year) = (count(&[Field::Day]), count(&[Field::DayOfYear]));
    let (hours, hours_of_half_day) = (count(&[Field::Hour]), count(&[Field::HourOfHalfDay]));
    let half_days = count_part(&Part::HalfDay);
    for (count, name) in [
        (years, "the year"),
        (months, "the month"),
        (days, "the day"),
        (days_of_year, "the day of the year"),
        (hours + hours_of_half_day, "the hour"),
        (half_days, "the half of the day"),
        (count(&[Field::Minute]), "the minute"),
        (count(&[Field::Second]), "the second"),
        (count_part(&Part::Fraction), "the fraction"),
        (count_part(&Part::Offset) + count_part(&Part::Utc), "the zone"),
    ] {
        if count > 1 {
            return Err(format!("`{format}` has {name} {count} times; give it once"));
        }
    }
    let is_day_known = match (years, months, days, days_of_year) {
        (1, 1, 1, 0) | (1, 0, 0, 1) => true,
        (_, _, _, 1) if months + days > 0 => {
            return Err(format!("`{format}` has %j besides a month or a day; remove one of them"));
        }
        _ => false,
    };
    if !is_day_known {
        return Err(format!(
            "`{format}` does not say which day it is; it needs %Y or %y, a month and %d, or a year and %j"
        ));
    }
    if hours_of_half_day != half_days {
        return Err(format!("`{format}` has one of %I and %p; they go together, or write %H"));
    }
    Ok(())
}

impl Part {
    fn is_digits(&self) -> bool {
        match self {
            Self::Number { .. } | Self::Fraction => true,
            Self::Literal(text) => text.iter().any(u8::is_ascii_digit),
            _ => false,
        }
    }

    /// Reads this part from the start of `text`; what follows it.
    fn take<'a>(&self, text: &'a [u8], read: &mut Read) -> Option<&'a [u8]> {
        match self {
            // Mostly one character, for which a call to compare them would cost more than the comparison.
            Self::Literal(literal) => match (literal.as_slice(), text) {
                ([expected], [byte, rest @ ..]) => (expected == byte).then_some(rest),
                (literal, text) => text.strip_prefix(literal),
            },
            Self::Number { field, digits } => {
                let (number, rest) = digits.take(text)?;
                read.set(*field, number)?;
                Some(rest)
            }
            Self::MonthName => {
                let (month, rest) = take_month(text)?;
                read.month = month;
                Some(rest)
            }
            Self::HalfDay => {
                let (half, rest) = text.split_first_chunk::<2>()?;
                read.is_afternoon = half.eq_ignore_ascii_case(b"pm");
                (read.is_afternoon || half.eq_ignore_ascii_case(b"am")).then_some(rest)
            }
            Self::Fraction => {
                let (micros, rest) = take_fraction(text)?;
                read.micros = micros;
                Some(rest)
            }
            Self::Offset => {
                let (offset_seconds, rest) = take_offset(text)?;
                read.offset_seconds = Some(offset_seconds);
                Some(rest)
            }
            Self::Utc => {
                read.offset_seconds = Some(0);
                [b"UTC".as_slice(), b"GMT", b"Z"]
                    .into_iter()
                    .find_map(|name| text.strip_prefix(name))
            }
        }
    }
}

impl Digits {
    fn take<'a>(&self, text: &'a [u8]) -> Option<(u32, &'a [u8])> {
        let (text, least, most) = match text {
            [b' ', rest @ ..] if self.space => (rest, 1, 1),
            _ => (text, self.least, self.most),
        };
        let mut number = 0;
        let mut length = 0;
        while length < most
            && let Some(digit) = text.get(length).filter(|byte| byte.is_ascii_digit())
        {
            number = number * 10 + u32::from(digit - b'0');
            length += 1;
        }
        (length >= least).then(|| (number, &text[length..]))
    }
}

impl Read {
    /// None where the number is out of its range. Those of dates are checked together, at the end.
    fn set(&mut self, field: Field, number: u32) -> Option<()> {
        let most = match field {
            Field::Year => {
                self.year = number;
                return Some(());
            }
            Field::YearOfCentury => {
                self.year = if number < 69 { 2000 + number } else { 1900 + number };
                return Some(());
            }
            Field::Month => {
                self.month = number;
                return Some(());
            }
            Field::Day => {
                self.day = number;
                return Some(());
            }
            Field::DayOfYear => {
                self.day_of_year = Some(number);
                return Some(());
            }
            Field::Hour => {
                self.hour = number;
                23
            }
            Field::HourOfHalfDay => {
                // Twelve o'clock is the first hour of either half.
                self.hour = number % 12;
                if number == 0 {
                    return None;
                }
                12
            }
            Field::Minute => {
                self.minute = number;
                59
            }
            Field::Second => {
                self.second = number;
                59
            }
        };
        (number <= most).then_some(())
    }

    fn moment(&self) -> Option<Moment> {
        let days = match self.day_of_year {
            Some(day_of_year) => days_from_ordinal(self.year, day_of_year),
            None => days_from_date(self.year, self.month, self.day),
        }?;
        let hour = self.hour + if self.is_afternoon { 12 } else { 0 };
        let seconds = i64::from(hour * 3_600 + self.minute * 60 + self.second);
        let micros = seconds * MICROS_PER_SECOND + self.micros;
        Some(Moment { days, micros, offset_seconds: self.offset_seconds })
    }
}

/// The month whose name `text` starts with, from 1.
fn take_month(text: &[u8]) -> Option<(u32, &[u8])> {
    let starts_with =
        |name: &[u8]| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    let index = MONTHS.iter().position(|name| starts_with(&name.as_bytes()[..3]))?;
    let name = MONTHS[index].as_bytes();
    let length = if starts_with(name) { name.len() } else { 3 };
    Some((index as u32 + 1, &text[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(format: &str, text: &str) -> Option<Moment> {
        Format::compile(format).unwrap().parse(text)
    }

    /// The days and seconds of a text without a zone.
    fn parse_local(format: &str, text: &str) -> Option<(i32, i64)> {
        parse(format, text).map(|moment| (moment.days, moment.micros / MICROS_PER_SECOND))
    }

    #[test]
    fn dates() {
        let day = 20_453; // 2025-12-31
        for (format, text, expected) in [
            ("%Y-%m-%d", "2025-12-31", Some(day)),
            ("%F", "2025-12-31", Some(day)),
            ("%d/%m/%Y", "31/12/2025", Some(day)),
            ("%d/%m/%Y", "1/1/2026", Some(day + 1)),
            ("%m/%d/%y", "12/31/25", Some(day)),
            ("%y%m%d", "690101", Some(-365)),
            ("%y%m%d", "680101", Some(35_794)),
            ("%Y%m%d", "20251231", Some(day)),
            ("%d. %B %Y", "31. December 2025", Some(day)),
            ("%d-%b-%Y", "31-DEC-2025", Some(day)),
            ("%B %e, %Y", "Jan  1, 2026", Some(day + 1)),
            ("%B %e, %Y", "may 1, 2026", Some(day + 121)),
            ("%Y/%j", "2025/365", Some(day)),
            ("%Y年%m月%d日", "2025年12月31日", Some(day)),
            ("100%% %F", "100% 2025-12-31", Some(day)),
            ("%d/%m/%Y", "30/02/2025", None),
            ("%d/%m/%Y", "29/02/2024", Some(19_782)),
            ("%d/%m/%Y", "00/01/2025", None),
            ("%d/%m/%Y", "01/13/2025", None),
            ("%d/%m/%Y", "01/01/25", None),
            ("%d/%m/%Y", "01/01/20255", None),
            ("%d/%m/%Y", "01/01/2025 ", None),
            ("%d/%m/%Y", " 1/01/2025", None),
            ("%d/%m/%Y", "1/01/", None),
            ("%d/%m/%Y", "", None),
            ("%d/%m/%Y", "soon", None),
            ("%Y%m%d", "2025123", None),
            ("%Y%m%d", "2025 1 3", None),
            ("%Y%j", "202565", None),
            ("%d%b%Y", "1JAN2026", Some(day + 1)),
            ("%Y-%m-%d", "0000-01-01", None),
            ("%Y/%j", "2025/366", None),
            ("%d %b %Y", "31 Dez 2025", None),
        ] {
            let days = parse(format, text).map(|moment| moment.days);
            assert_eq!(days, expected, "{text} as {format}");
        }
    }

    #[test]
    fn times() {
        for (format, text, expected) in [
            ("%F %T", "1970-01-01 01:02:03", Some((0, 3_723))),
            ("%F %H:%M", "1970-01-02 1:2", Some((1, 3_720))),
            ("%F %I:%M %p", "1970-01-01 12:00 AM", Some((0, 0))),
            ("%F %I:%M %p", "1970-01-01 12:30 pm", Some((0, 45_000))),
            ("%F %I%p", "1970-01-01 11PM", Some((0, 82_800))),
            ("%F %I%p", "1970-01-01 0AM", None),
            ("%F %I%p", "1970-01-01 13PM", None),
            ("%F %I%p", "1970-01-01 11XM", None),
            ("%F %T", "1970-01-01 24:00:00", None),
            ("%F %T", "1970-01-01 23:60:00", None),
            ("%F %T", "1970-01-01 23:59:60", None),
            ("%F", "1970-01-01 00:00:00", None),
        ] {
            assert_eq!(parse_local(format, text), expected, "{text} as {format}");
        }
    }

    #[test]
    fn fractions_and_zones() {
        let at = |micros, offset_seconds| Some(Moment { days: 0, micros, offset_seconds });
        for (format, text, expected) in [
            ("%F %T.%f", "1970-01-01 00:00:01.5", at(1_500_000, None)),
            ("%F %T.%f", "1970-01-01 00:00:00.123456789", at(123_456, None)),
            ("%F %T.%f", "1970-01-01 00:00:00.", None),
            ("%Y%m%d%H%M%S%f", "19700101000000000001", at(1, None)),
            ("%FT%T%z", "1970-01-01T00:00:01+05:30", at(1_000_000, Some(19_800))),
            ("%FT%T%z", "1970-01-01T00:00:01-0800", at(1_000_000, Some(-28_800))),
            ("%FT%T%z", "1970-01-01T00:00:01", None),
            ("%F %T %Z", "1970-01-01 00:00:01 UTC", at(1_000_000, Some(0))),
            ("%F %T %Z", "1970-01-01 00:00:01 CET", None),
            ("%+", "1970-01-01T00:00:01Z", at(1_000_000, Some(0))),
        ] {
            assert_eq!(parse(format, text), expected, "{text} as {format}");
        }
    }

    #[test]
    fn formats_that_cannot_work() {
        for (format, expected) in [
            ("", "does not say which day it is"),
            ("%Y-%m", "does not say which day it is"),
            ("%d/%m", "does not say which day it is"),
            ("%H:%M", "does not say which day it is"),
            ("%Y-%m-%d%", "ends with %"),
            ("%Y-%m-%D", "has %D, which is none of %Y, %y"),
            ("%Y-%m-%d %Y", "has the year 2 times"),
            ("%Y-%m-%b-%d", "has the month 2 times"),
            ("%Y-%m-%d %j", "has %j besides a month or a day"),
            ("%F %H %I %p", "has the hour 2 times"),
            ("%F %I:%M", "has one of %I and %p"),
            ("%F %H:%M %p", "has one of %I and %p"),
            ("%F %T %z %Z", "has the zone 2 times"),
            ("%+ %z", "has %+ among others"),
        ] {
            let message = Format::compile(format).unwrap_err();
            assert!(message.contains(expected), "{format}: {message}");
        }
    }

    #[test]
    fn zones_are_known() {
        for (format, expected) in [("%F", false), ("%F %T%z", true), ("%F %Z", true), ("%+", true)]
        {
            assert_eq!(Format::compile(format).unwrap().has_zone(), expected, "{format}");
        }
    }
}
