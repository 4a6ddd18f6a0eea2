//! Days of the proleptic Gregorian calendar.

pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// Days since 1970-01-01; none where there is no such day. Years are 1 to 9999.
pub fn days_from_date(year: u32, month: u32, day: u32) -> Option<i32> {
    let is_date = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day);
    is_date.then(|| days_before(year, month) + day as i32 - 1)
}

/// Days since 1970-01-01 by the day of the year, from 1; none where there is no such day.
pub fn days_from_ordinal(year: u32, day_of_year: u32) -> Option<i32> {
    let days_in_year = if is_leap(year) { 366 } else { 365 };
    let is_date = (1..=9999).contains(&year) && (1..=days_in_year).contains(&day_of_year);
    is_date.then(|| days_before(year, 1) + day_of_year as i32 - 1)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of the month. The year is counted from March, so that the leap day is its
/// last day; see <https://howardhinnant.github.io/date_algorithms.html>.
fn days_before(year: u32, month: u32) -> i32 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // The months from March have 31, 30, 31, 30, 31 days, over and over: 153 days in five months.
    let days = year * 365 + leap_days + (153 * month + 2) / 5;
    // From 0000-03-01 to 1970-01-01.
    days as i32 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_one_before() {
        // 0001-01-01.
        let mut expected = -719_162;
        for year in 1..=9999 {
            let mut day_of_year = 0;
            for month in 0..=13 {
                for day in 0..=32 {
                    let Some(days) = days_from_date(year, month, day) else { continue };
                    day_of_year += 1;
                    assert_eq!(days, expected, "{year}-{month}-{day}");
                    assert_eq!(days_from_ordinal(year, day_of_year), Some(expected));
                    expected += 1;
                }
            }
            assert_eq!(days_from_ordinal(year, day_of_year + 1), None);
        }
        assert_eq!(expected, 2_932_897);
    }

    #[test]
    fn known_days() {
        for ((year, month, day), expected) in [
            ((1970, 1, 1), Some(0)),
            ((1969, 12, 31), Some(-1)),
            ((2000, 2, 29), Some(11_016)),
            ((2024, 12, 31), Some(20_088)),
            ((1900, 2, 29), None),
            ((2025, 2, 30), None),
            ((2025, 4, 31), None),
            ((0, 1, 1), None),
            ((10_000, 1, 1), None),
        ] {
            assert_eq!(days_from_date(year, month, day), expected, "{year}-{month}-{day}");
        }
    }
}
