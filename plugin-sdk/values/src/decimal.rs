//! Decimals as text: `-1234.50`, or `1.234,50` with other separators.

use wasmill_plugin_sdk::prelude::*;

use crate::parse::Parse;

/// A decimal128 has no more digits.
pub const MAX_PRECISION: u8 = 38;
/// A `u64` takes so many digits, whatever they are.
const DIGITS_PER_CHUNK: u32 = 19;

/// How decimals are written, and what they must fit into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalFormat {
    precision: u8,
    scale: u8,
    decimal_separator: char,
    group_separator: Option<char>,
}

impl DecimalFormat {
    /// # Panics
    ///
    /// When the precision is not 1 to 38, or the scale exceeds it.
    pub fn new(
        precision: u8,
        scale: u8,
        decimal_separator: char,
        group_separator: Option<char>,
    ) -> Self {
        assert!((1..=MAX_PRECISION).contains(&precision) && scale <= precision);
        Self { precision, scale, decimal_separator, group_separator }
    }

    /// A point, and no groups.
    pub fn plain(precision: u8, scale: u8) -> Self {
        Self::new(precision, scale, '.', None)
    }

    fn strip_separator<'a>(&self, text: &'a str) -> Option<&'a str> {
        text.strip_prefix(self.decimal_separator)
    }
}

/// Digits that are put together to a number, in steps of what a `u64` takes.
#[derive(Default)]
struct Digits {
    /// The digits before the chunk.
    high: u128,
    chunk: u64,
    chunk_digits: u32,
    /// How many there are, zeros at the front not counted.
    significant: u32,
}

impl Digits {
    /// Adds one digit; false where there are more than any decimal has.
    fn push(&mut self, digit: u8) -> bool {
        if digit == 0 && self.significant == 0 {
            return true;
        }
        self.significant += 1;
        if self.significant > u32::from(MAX_PRECISION) {
            return false;
        }
        if self.chunk_digits == DIGITS_PER_CHUNK {
            self.high = u128::from(self.chunk);
            (self.chunk, self.chunk_digits) = (0, 0);
        }
        self.chunk = self.chunk * 10 + u64::from(digit);
        self.chunk_digits += 1;
        true
    }

    fn value(&self) -> u128 {
        if self.high == 0 {
            return self.chunk.into();
        }
        self.high * 10_u128.pow(self.chunk_digits) + u128::from(self.chunk)
    }
}

impl Parse<Decimal> for DecimalFormat {
    /// A sign or none, digits, and a separator with decimals or none. Groups, where there are any, have three
    /// digits each; only the first may have fewer. Decimals beyond the scale must be zeros.
    fn parse(&self, text: &str) -> Option<Decimal> {
        let (is_negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let mut digits = Digits::default();
        let mut rest = unsigned;
        // Digits since the start, or since the last group separator.
        let mut group_length = 0;
        let mut is_grouped = false;
        loop {
            let length = push_digits(rest, &mut digits)?;
            group_length += length;
            rest = &rest[length..];
            let next_group =
                self.group_separator.and_then(|separator| rest.strip_prefix(separator));
            let Some(next_group) = next_group else { break };
            let is_whole =
                if is_grouped { group_length == 3 } else { (1..=3).contains(&group_length) };
            if !is_whole {
                return None;
            }
            (is_grouped, group_length, rest) = (true, 0, next_group);
        }
        if is_grouped && group_length != 3 {
            return None;
        }
        let mut decimals = 0;
        if let Some(fraction) = self.strip_separator(rest) {
            let (kept, beyond) =
                fraction.as_bytes().split_at(fraction.len().min(self.scale.into()));
            if fraction.is_empty() || !beyond.iter().all(|&byte| byte == b'0') {
                return None;
            }
            for &byte in kept {
                if !byte.is_ascii_digit() || !digits.push(byte - b'0') {
                    return None;
                }
            }
            decimals = kept.len();
        } else if !rest.is_empty() || group_length == 0 {
            return None;
        }
        for _ in decimals..usize::from(self.scale) {
            if !digits.push(0) {
                return None;
            }
        }
        if digits.significant > u32::from(self.precision) {
            return None;
        }
        let value = i128::try_from(digits.value()).ok()?;
        Some(Decimal(if is_negative { -value } else { value }))
    }
}

/// Pushes the digits that `text` starts with; how many there are. None where there are too many.
fn push_digits(text: &str, digits: &mut Digits) -> Option<usize> {
    let mut length = 0;
    for byte in text.bytes().take_while(u8::is_ascii_digit) {
        if !digits.push(byte - b'0') {
            return None;
        }
        length += 1;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(format: &DecimalFormat, text: &str) -> Option<i128> {
        format.parse(text).map(|decimal| decimal.0)
    }

    #[test]
    fn plain_decimals() {
        let format = DecimalFormat::plain(6, 2);
        for (text, expected) in [
            ("0", Some(0)),
            ("12", Some(1_200)),
            ("12.3", Some(1_230)),
            ("-12.34", Some(-1_234)),
            ("+.5", Some(50)),
            ("-0", Some(0)),
            ("0012.30", Some(1_230)),
            ("9999.99", Some(999_999)),
            ("12.3400", Some(1_234)),
            // Beyond the precision, beyond the scale.
            ("10000", None),
            ("10000.00", None),
            ("12.345", None),
            ("12.3401", None),
            ("", None),
            ("-", None),
            (".", None),
            ("5.", None),
            ("1,5", None),
            ("1.2.3", None),
            ("1e2", None),
            ("$1.50", None),
            ("12.3x", None),
            ("12.34é", None),
            ("NaN", None),
            ("--1", None),
            (" 1", None),
            ("1 ", None),
        ] {
            assert_eq!(parse(&format, text), expected, "{text}");
        }
    }

    #[test]
    fn other_separators() {
        let format = DecimalFormat::new(12, 2, ',', Some('.'));
        for (text, expected) in [
            ("12,99", Some(1_299)),
            ("1.177,00", Some(117_700)),
            ("1.234.567,8", Some(123_456_780)),
            ("1234567,8", Some(123_456_780)),
            ("1.000", Some(100_000)),
            ("-1.000", Some(-100_000)),
            ("1000.000", None),
            ("1.00", None),
            ("1.0000", None),
            (".100", None),
            ("1..000", None),
            ("1.000.", None),
            ("1,000.00", None),
            ("12,99,00", None),
            ("12,9x", None),
            ("12.99", None),
        ] {
            assert_eq!(parse(&format, text), expected, "{text}");
        }
        let spaces = DecimalFormat::new(12, 2, ',', Some('\u{202f}'));
        assert_eq!(parse(&spaces, "1\u{202f}234,5"), Some(123_450));
    }

    #[test]
    fn the_widest_decimals() {
        let nines = "9".repeat(38);
        let widest = 10_i128.pow(38) - 1;
        let whole = DecimalFormat::plain(38, 0);
        assert_eq!(parse(&whole, &nines), Some(widest));
        assert_eq!(parse(&whole, &format!("-{nines}")), Some(-widest));
        assert_eq!(parse(&whole, &format!("000{nines}.00")), Some(widest));
        assert_eq!(parse(&whole, &format!("{nines}0")), None);
        let fraction = DecimalFormat::plain(38, 38);
        assert_eq!(parse(&fraction, &format!("0.{nines}")), Some(widest));
        assert_eq!(parse(&fraction, "1"), None);
        for digits in 1..=38 {
            let text = &"12345678901234567890123456789012345678"[..digits];
            assert_eq!(parse(&whole, text), text.parse().ok(), "{text}");
        }
    }
}
