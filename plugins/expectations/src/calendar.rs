//! Dates and instants as ISO 8601 text: `2024-02-29`, `08:30`, `2024-02-29T08:30:00.5+01:00`.
//!
//! Years have four digits, seconds and their fraction (at most nine digits) may be left out, and the `T` may
//! be a space. There are no leap seconds, as in Arrow.

pub const NANOS_PER_SECOND: i128 = 1_000_000_000;
pub const NANOS_PER_DAY: i128 = 86_400 * NANOS_PER_SECOND;

/// A point in time as text has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// Nanoseconds since 1970-01-01T00:00:00: in UTC where the text has an offset, else of a local clock.
    pub nanos: i128,
    pub has_offset: bool,
}

/// The days since 1970-01-01 of a date such as `2024-02-29`.
pub fn parse_date(text: &str) -> Option<i64> {
    let (days, rest) = take_date(text.as_bytes())?;
    rest.is_empty().then_some(days)
}

/// The nanoseconds since midnight of a time of day such as `08:30` or `08:30:00.25`.
pub fn parse_time(text: &str) -> Option<i128> {
    let (nanos, rest) = take_time(text.as_bytes())?;
    rest.is_empty().then_some(nanos)
}

/// A point in time such as `2024-02-29T08:30:00Z`.
pub fn parse_instant(text: &str) -> Option<Instant> {
    let (days, rest) = take_date(text.as_bytes())?;
    let (b'T' | b't' | b' ', rest) = rest.split_first()? else { return None };
    let (nanos, rest) = take_time(rest)?;
    let offset_seconds = match rest {
        [] => None,
        offset => Some(offset_seconds(offset)?),
    };
    let local = i128::from(days) * NANOS_PER_DAY + nanos;
    Some(Instant {
        nanos: local - i128::from(offset_seconds.unwrap_or(0)) * NANOS_PER_SECOND,
        has_offset: offset_seconds.is_some(),
    })
}

/// The date that is so many days after 1970-01-01, such as `2024-02-29`.
pub fn format_date(days: i128) -> String {
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The time of day so many nanoseconds after midnight, without a fraction of zero.
pub fn format_time(nanos: i128) -> String {
    let (seconds, fraction) =
        (nanos.div_euclid(NANOS_PER_SECOND), nanos.rem_euclid(NANOS_PER_SECOND));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let text = format!("{hour:02}:{minute:02}:{second:02}.{fraction:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The point in time so many nanoseconds after 1970-01-01T00:00:00, such as `2024-02-29T08:30:00`.
pub fn format_instant(nanos: i128) -> String {
    let (days, time) = (nanos.div_euclid(NANOS_PER_DAY), nanos.rem_euclid(NANOS_PER_DAY));
    format!("{}T{}", format_date(days), format_time(time))
}

fn take_date(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (&[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1], rest) = bytes.split_first_chunk()? else {
        return None;
    };
    let year = number(y0, y1)? * 100 + number(y2, y3)?;
    let (month, day) = (number(m0, m1)?, number(d0, d1)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    Some((days_from_civil(year, month, day), rest))
}

fn take_time(bytes: &[u8]) -> Option<(i128, &[u8])> {
    let (&[h0, h1, b':', m0, m1], rest) = bytes.split_first_chunk()? else { return None };
    let (hour, minute) = (number(h0, h1)?, number(m0, m1)?);
    let (second, rest) = match rest {
        [b':', s0, s1, rest @ ..] => (number(*s0, *s1)?, rest),
        rest => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let nanos = i128::from(hour * 3600 + minute * 60 + second) * NANOS_PER_SECOND;
    // A fraction stands after seconds only.
    match rest {
        [b'.', fraction @ ..] if bytes.len() - rest.len() == 8 => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return None;
            }
            let value = fraction[..digits]
                .iter()
                .fold(0_i128, |value, digit| value * 10 + i128::from(digit - b'0'));
            let unit = 10_i128.pow(9 - digits as u32);
            Some((nanos + value * unit, &fraction[digits..]))
        }
        rest => Some((nanos, rest)),
    }
}

/// `Z`, `+01:00` or `+0100`.
fn offset_seconds(bytes: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *bytes {
        [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1, b':', m0, m1] | [sign, h0, h1, m0, m1] => {
            (sign, number(h0, h1)?, number(m0, m1)?)
        }
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// Two ASCII digits.
fn number(tens: u8, ones: u8) -> Option<i64> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. The year is counted from March, so that the
/// leap day is its last; see <https://howardhinnant.github.io/date_algorithms.html>.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i128) -> (i128, i128, i128) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i128::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (text, days) in [
            ("1970-01-01", Some(0)),
            ("1969-12-31", Some(-1)),
            ("2000-02-29", Some(11_016)),
            ("2024-12-31", Some(20_088)),
            ("1900-02-29", None),
            ("2024-13-01", None),
            ("2024-00-10", None),
            ("2024-04-31", None),
            ("2024-1-1", None),
            ("2024-01-01 ", None),
            ("20240101", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text), days, "{text}");
        }
    }

    #[test]
    fn every_day_is_read_as_it_is_written() {
        for days in (-100_000..100_000).step_by(17) {
            let text = format_date(days);
            assert_eq!(parse_date(&text).map(i128::from), Some(days), "{text}");
        }
    }

    #[test]
    fn instants_may_have_offsets_and_fractions() {
        let hour = 3_600 * NANOS_PER_SECOND;
        for (text, nanos, has_offset) in [
            ("1970-01-01T00:00:00Z", 0, true),
            ("1970-01-01 01:00", hour, false),
            ("1970-01-01T01:00:00+01:00", 0, true),
            ("1969-12-31T23:00:00-0100", 0, true),
            ("1970-01-01T00:00:00.5", NANOS_PER_SECOND / 2, false),
            ("1970-01-01T00:00:00.000000001z", 1, true),
        ] {
            assert_eq!(parse_instant(text), Some(Instant { nanos, has_offset }), "{text}");
        }
        for text in [
            "1970-01-01",
            "1970-01-01T24:00:00",
            "1970-01-01T00:60",
            "1970-01-01T00:00.5",
            "1970-01-01T00:00:00.",
            "1970-01-01T00:00:00.0000000001",
            "1970-01-01T00:00:00+1",
            "1970-01-01T00:00:00 UTC",
        ] {
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn instants_are_shown_without_needless_digits() {
        assert_eq!(format_instant(-1), "1969-12-31T23:59:59.999999999");
        assert_eq!(format_instant(NANOS_PER_DAY + NANOS_PER_SECOND), "1970-01-02T00:00:01");
        assert_eq!(format_time(10 * NANOS_PER_SECOND), "00:00:10");
    }
}
