//! Timestamps as the lines have them: UTC with microseconds, such as `2026-11-24T17:29:38.123456Z`.

/// Microseconds since 1970-01-01T00:00:00Z.
#[inline]
pub fn micros(text: &[u8]) -> Option<i64> {
    let text: &[u8; 27] = text.try_into().ok()?;
    let mut all_digits = true;
    // Without a loop, and without a branch for each digit.
    let mut digits = |places: &[usize]| {
        let mut number = 0_u32;
        for &place in places {
            let digit = text[place].wrapping_sub(b'0');
            all_digits &= digit < 10;
            number = 10 * number + u32::from(digit);
        }
        number
    };
    let (year, month, day) = (digits(&[0, 1, 2, 3]), digits(&[5, 6]), digits(&[8, 9]));
    let (hour, minute, second) = (digits(&[11, 12]), digits(&[14, 15]), digits(&[17, 18]));
    let fraction = digits(&[20, 21, 22, 23, 24, 25]);
    let separators = [text[4], text[7], text[10], text[13], text[16], text[19], text[26]];
    let in_range =
        (1..=12).contains(&month) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60);
    if !all_digits || separators != *b"--T::.Z" || !in_range || day > days_in_month(year, month) {
        return None;
    }
    let seconds = (hour * 60 + minute) * 60 + second;
    Some((days(year, month, day) * 86_400 + i64::from(seconds)) * 1_000_000 + i64::from(fraction))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    const DAYS: [u8; 16] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0];
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    u32::from(DAYS[month as usize % 16]) + u32::from(leap && month == 2)
}

/// Days since 1970-01-01, by <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn days(year: u32, month: u32, day: u32) -> i64 {
    let year = year + 400 - u32::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    i64::from(era) * 146_097 + i64::from(of_era) - 719_468 - 146_097
}
