//! Dates, which look much like phone numbers and are skipped: `2025-12-31`, `31.12.2025`, `12/31/25`, `12/2025`.

use super::run::{Gap, Lead, Run};

/// How many groups from the one at `first` are a date; 0 where they are none.
pub fn length(run: &Run, first: usize) -> usize {
    if first == 0 && matches!(run.lead, Lead::Plus | Lead::PlusOpen) {
        return 0;
    }
    match run.gap(first + 1) {
        Some(gap @ (Gap::Hyphen | Gap::Point | Gap::Slash)) => {
            // One number more with the same mark, and it is a phone number such as `01.23.45.67.89`.
            if run.gap(first) == Some(gap) {
                return 0;
            }
            let goes_on = run.gap(first + 2) == Some(gap);
            if goes_on && run.gap(first + 3) != Some(gap) {
                return if is_day(run, first) { 3 } else { 0 };
            }
            if !goes_on && is_month(run.digits(first)) && is_year(run.digits(first + 1)) {
                return 2;
            }
            0
        }
        Some(Gap::Space) => {
            let is_date = run.gap(first + 2) == Some(Gap::Space)
                && [first, first + 2].iter().any(|&index| is_year(run.digits(index)))
                && is_day(run, first);
            if is_date { 3 } else { 0 }
        }
        _ => 0,
    }
}

/// Whether the three groups from the one at `first` are year, month and day, or day, month and year, or month,
/// day and year.
fn is_day(run: &Run, first: usize) -> bool {
    let [left, middle, right] = [0, 1, 2].map(|index| run.digits(first + index));
    if is_year(left) {
        return is_month(middle) && is_day_of_month(right);
    }
    let two_digit_year = right.len() == 2;
    (is_year(right) || two_digit_year)
        && ((is_day_of_month(left) && is_month(middle))
            || (is_month(left) && is_day_of_month(middle)))
}

fn is_year(digits: &[u8]) -> bool {
    digits.len() == 4 && (digits.starts_with(b"19") || digits.starts_with(b"20"))
}

fn is_month(digits: &[u8]) -> bool {
    digits.len() <= 2 && (1..=12).contains(&number(digits))
}

fn is_day_of_month(digits: &[u8]) -> bool {
    digits.len() <= 2 && (1..=31).contains(&number(digits))
}

/// The number that a few digits write.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> usize {
        let mut groups = Vec::new();
        length(&Run::read(text, 0..text.len(), &mut groups), 0)
    }

    #[test]
    fn dates_are_told_from_numbers() {
        for (text, expected) in [
            ("2025-12-31", 3),
            ("2025/1/2", 3),
            ("31.12.2025", 3),
            ("12/31/2025", 3),
            ("31.12.25", 3),
            ("01 02 2025", 3),
            ("2025 12 31", 3),
            ("01/2025", 2),
            ("01/2025 - 02/2025", 2),
            ("01.02.2025 0171 2345678", 3),
            ("32.12.2025", 0),
            ("13.13.2025", 0),
            ("2025-13-01", 0),
            ("01.02.2525", 0),
            ("01.02.03.04.05", 0),
            ("03-1984-5678", 0),
            ("01 02 03", 0),
            ("0171 2345678", 0),
            ("13/2025", 0),
            ("2025", 0),
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
    }
}
