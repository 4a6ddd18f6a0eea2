//! ISO 8601 as machines write it, RFC 3339 included: `2024-02-29T08:30:00.5+01:00`.
//!
//! The `T` may be a space; seconds, their fraction (at most nine digits) and the offset may be left out. There
//! are no leap seconds, as in Arrow.

use crate::calendar::{MICROS_PER_SECOND, days_from_date};
use crate::format::Moment;

/// A date and a time of day.
pub fn parse_moment(text: &str) -> Option<Moment> {
    let (&[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1], time) =
        text.as_bytes().split_first_chunk()?
    else {
        return None;
    };
    let year = two_digits(y0, y1)? * 100 + two_digits(y2, y3)?;
    let days = days_from_date(year, two_digits(m0, m1)?, two_digits(d0, d1)?)?;
    let (&[b'T' | b't' | b' ', h0, h1, b':', m0, m1], rest) = time.split_first_chunk()? else {
        return None;
    };
    let (hour, minute) = (two_digits(h0, h1)?, two_digits(m0, m1)?);
    let (second, micros, rest) = match rest {
        [b':', s0, s1, b'.', rest @ ..] => {
            let (micros, rest) = take_fraction(rest)?;
            (two_digits(*s0, *s1)?, micros, rest)
        }
        [b':', s0, s1, rest @ ..] => (two_digits(*s0, *s1)?, 0, rest),
        rest => (0, 0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset_seconds = match rest {
        [] => None,
        offset => match take_offset(offset)? {
            (offset_seconds, []) => Some(offset_seconds),
            _ => return None,
        },
    };
    let seconds = i64::from(hour * 3_600 + minute * 60 + second);
    Some(Moment { days, micros: seconds * MICROS_PER_SECOND + micros, offset_seconds })
}

/// One to nine digits after the point, in microseconds; finer ones are cut off.
pub fn take_fraction(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let length = bytes.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let (digits, rest) = bytes.split_at(length);
    let micros = digits.iter().map(|digit| i64::from(digit - b'0')).chain(std::iter::repeat(0));
    Some((micros.take(6).fold(0, |micros, digit| micros * 10 + digit), rest))
}

/// `Z`, `+01:00`, `+0100` or `+01`, in seconds.
pub fn take_offset(bytes: &[u8]) -> Option<(i32, &[u8])> {
    let (sign, hours, minutes, rest) = match bytes {
        [b'Z' | b'z', rest @ ..] => return Some((0, rest)),
        [sign, h0, h1, b':', m0, m1, rest @ ..] => {
            (sign, two_digits(*h0, *h1)?, two_digits(*m0, *m1)?, rest)
        }
        [sign, h0, h1, m0, m1, rest @ ..] if m0.is_ascii_digit() => {
            (sign, two_digits(*h0, *h1)?, two_digits(*m0, *m1)?, rest)
        }
        [sign, h0, h1, rest @ ..] => (sign, two_digits(*h0, *h1)?, 0, rest),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 3_600 + minutes * 60) as i32;
    match sign {
        b'+' => Some((seconds, rest)),
        b'-' => Some((-seconds, rest)),
        _ => None,
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<u32> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let hour = 3_600 * MICROS_PER_SECOND;
        for (text, days, micros, offset_seconds) in [
            ("1970-01-01T00:00:00Z", 0, 0, Some(0)),
            ("1970-01-02 01:00", 1, hour, None),
            ("1970-01-01T01:00:00+01:00", 0, hour, Some(3_600)),
            ("1970-01-01T01:00:00-0530", 0, hour, Some(-19_800)),
            ("1970-01-01T01:00+05", 0, hour, Some(18_000)),
            ("1970-01-01T00:00:00.5", 0, 500_000, None),
            ("1970-01-01t00:00:00.123456789z", 0, 123_456, Some(0)),
            ("1969-12-31T23:59:59.999999", -1, 24 * hour - 1, None),
        ] {
            assert_eq!(parse_moment(text), Some(Moment { days, micros, offset_seconds }), "{text}");
        }
    }

    #[test]
    fn no_moments() {
        for text in [
            "",
            "yesterday",
            "1970-01-01",
            "1970-01-01T",
            "1970-01-01T24:00:00",
            "1970-01-01T00:60",
            "1970-01-01T00:00:60",
            "1970-01-01T00:00.5",
            "1970-01-01T00:00:00.",
            "1970-01-01T00:00:00.0000000001",
            "1970-01-01T00:00:00+1",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+01:",
            "1970-01-01T00:00:00 UTC",
            "1970-01-01T00:00:00ZZ",
            "1970-02-30T00:00:00Z",
            "0000-00-00 00:00:00",
            "1970-1-1 0:00:00",
            "01/01/1970 00:00",
        ] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }
}
