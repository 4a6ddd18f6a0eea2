//! Dates of the proleptic Gregorian calendar, to days and back.
//!
//! Years are counted from March, so that the leap day is the last of its year; 400 such years, an era, always
//! have 146,097 days. Both directions are integer arithmetic without a table.

use crate::digits::write_digits;

const DAYS_PER_ERA: i32 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i32 = 719_468;

/// Days since 1970-01-01 of a date such as `2025-12-31`; none where it is no date from 0001 to 9999.
pub fn parse_iso_date(text: &str) -> Option<i32> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text.as_bytes() else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i32::from(digit - b'0'))
        })
    };
    let year = number(&[y0, y1, y2, y3])?;
    let month = number(&[m0, m1])?;
    let day = number(&[d0, d1])?;
    if year < 1 || !(1..=12).contains(&month) {
        return None;
    }
    let days = days(year, month, day);
    // A day that its month does not have comes back as a day of another month.
    (day >= 1 && date(days) == (year, month, day)).then_some(days)
}

fn days(year: i32, month: i32, day: i32) -> i32 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    // The months from March have 31, 30, 31, 30, 31 days, over and over: 153 days in five months.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * DAYS_PER_ERA + day_of_era - EPOCH_DAYS
}

/// Year, month and day of a day.
fn date(days: i32) -> (i32, i32, i32) {
    let days = days + EPOCH_DAYS;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    // Without the leap days before it, each year of the era has 365 days.
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / (DAYS_PER_ERA - 1);
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// A second: a day since 1970-01-01, and the second of that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub day: i32,
    pub second: u32,
}

impl Moment {
    /// Microseconds since 1970-01-01T00:00:00.
    pub fn microseconds(self) -> i64 {
        (i64::from(self.day) * 86_400 + i64::from(self.second)) * 1_000_000
    }

    /// Such as `2025-12-31 23:59:59`, in ASCII. The year is between 1 and 9999.
    pub fn text(self) -> [u8; 19] {
        let (year, month, day) = date(self.day);
        let mut text = *b"0000-00-00 00:00:00";
        write_digits(&mut text[0..4], year as u32);
        write_digits(&mut text[5..7], month as u32);
        write_digits(&mut text[8..10], day as u32);
        write_digits(&mut text[11..13], self.second / 3_600);
        write_digits(&mut text[14..16], self.second / 60 % 60);
        write_digits(&mut text[17..19], self.second % 60);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_known_dates() {
        for (text, expected) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("2000-03-01", 11_017),
            ("2025-12-31", 20_453),
            ("0001-01-01", -719_162),
            ("9999-12-31", 2_932_896),
        ] {
            assert_eq!(parse_iso_date(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "2025",
            "2025-1-1",
            "2025-01-01 ",
            "2025-02-29",
            "1900-02-29",
            "2025-04-31",
            "2025-00-10",
            "2025-13-10",
            "2025-01-00",
            "2025-01-32",
            "0000-01-01",
            "+025-01-01",
            "2025/01/01",
            "2025-01-0x",
        ] {
            assert_eq!(parse_iso_date(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_day_comes_back() {
        let (first, last) =
            (parse_iso_date("0001-01-01").unwrap(), parse_iso_date("9999-12-31").unwrap());
        let mut before = (0, 12, 31);
        for day in first..=last {
            let date = date(day);
            assert!(date > before, "{date:?} follows {before:?}");
            assert_eq!(days(date.0, date.1, date.2), day);
            before = date;
        }
        assert_eq!(before, (9999, 12, 31));
    }

    #[test]
    fn moments_as_text_and_as_numbers() {
        let moment = Moment { day: 20_453, second: 86_399 };
        assert_eq!(&moment.text(), b"2025-12-31 23:59:59");
        assert_eq!(moment.microseconds(), 1_767_225_599_000_000);
        assert_eq!(&Moment { day: 11_016, second: 3_661 }.text(), b"2000-02-29 01:01:01");
    }
}
