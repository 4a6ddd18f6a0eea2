//! Numbers as decimal digits, written by hand: formatting machinery costs more than all else in a row.

/// The digits of a number, at the end of a buffer.
pub struct Digits {
    buffer: [u8; 16],
    start: usize,
}

impl Digits {
    /// Such as `1203`.
    pub fn integer(number: u32) -> Self {
        let mut digits = Self { buffer: [0; 16], start: 16 };
        digits.prepend_integer(number);
        digits
    }

    /// Hundredths with two decimal places, such as `12.03`.
    pub fn hundredths(number: u32) -> Self {
        let mut digits = Self { buffer: [0; 16], start: 13 };
        digits.buffer[13] = b'.';
        write_digits(&mut digits.buffer[14..16], number % 100);
        digits.prepend_integer(number / 100);
        digits
    }

    pub fn as_str(&self) -> &str {
        ascii(&self.buffer[self.start..])
    }

    fn prepend_integer(&mut self, mut number: u32) {
        loop {
            self.start -= 1;
            self.buffer[self.start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return;
            }
        }
    }
}

/// Fills `digits` with those of `number`, zeros first; digits that find no room are left out.
pub fn write_digits(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Bytes that this crate wrote as ASCII, as text.
pub fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("digits and punctuation are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for number in [0, 7, 10, 1_203, u32::MAX] {
            assert_eq!(Digits::integer(number).as_str(), number.to_string());
        }
    }

    #[test]
    fn decimals() {
        for (number, expected) in
            [(0, "0.00"), (5, "0.05"), (99, "0.99"), (1_203, "12.03"), (u32::MAX, "42949672.95")]
        {
            assert_eq!(Digits::hundredths(number).as_str(), expected);
        }
    }

    #[test]
    fn fixed_width() {
        let mut digits = [0; 4];
        write_digits(&mut digits, 25);
        assert_eq!(&digits, b"0025");
    }
}
