//! Lines by their quotes: `{"key":"text","key":number,…}` without escapes and without spaces between the fields.
//!
//! In such a line quotes open and close by turns, so what is between them is known from where they are, and that is found
//! 64 bytes at a time. Everything else about the line is checked where it should stand. Whatever is not as expected, is
//! left to `serde_json`, which says what it is.

use super::blocks::{BLOCK, Found, find};
use super::{Fields, timestamp};

/// The quotes of a line, one after another.
struct Quotes<'a> {
    line: &'a [u8],
    /// Quotes of the block in hand that were not given yet.
    quotes: u64,
    /// Where that block begins.
    start: usize,
    /// How much of the line was looked at, this block included.
    scanned: usize,
    /// The bits of all that needs a closer look, of all blocks so far.
    odd: u64,
}

impl<'a> Quotes<'a> {
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    fn new(line: &'a [u8]) -> Self {
        let mut quotes = Self { line, quotes: 0, start: 0, scanned: 0, odd: 0 };
        quotes.advance();
        quotes
    }

    /// Goes to the next block; false where there is none.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    fn advance(&mut self) -> bool {
        let rest = self.line.len() - self.scanned;
        let found = if let Some(block) = self.line[self.scanned..].first_chunk::<BLOCK>() {
            self.start = self.scanned;
            self.scanned += BLOCK;
            find(block)
        } else if rest == 0 {
            return false;
        } else if let Some(block) = self.line.last_chunk::<BLOCK>() {
            // The last block begins earlier, and what was seen already is shifted out.
            let Found { quotes, odd } = find(block);
            self.start = self.scanned;
            self.scanned = self.line.len();
            Found { quotes: quotes >> (BLOCK - rest), odd: odd >> (BLOCK - rest) }
        } else {
            // Lines that are so short are left to the other parser.
            return false;
        };
        self.quotes = found.quotes;
        self.odd |= found.odd;
        true
    }

    /// Where the next quote is.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    fn next(&mut self) -> Option<usize> {
        while self.quotes == 0 {
            if !self.advance() {
                return None;
            }
        }
        let place = self.start + self.quotes.trailing_zeros() as usize;
        self.quotes &= self.quotes - 1;
        Some(place)
    }

    /// Whether all of the line was looked at, and it holds neither escapes nor control characters.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    fn is_plain(&mut self) -> bool {
        while self.scanned < self.line.len() {
            self.advance();
        }
        self.odd == 0
    }
}

/// The fields of a line that is as most lines are; none where it has to be looked at more closely.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub fn fields(line: &str) -> Option<Fields<'_>> {
    let bytes = line.as_bytes();
    let mut quotes = Quotes::new(bytes);
    let (mut timestamp, mut level, mut service) = (None, None, None);
    let (mut status, mut latency_ms, mut message) = (None, None, None);
    // Where a brace or comma is expected.
    let mut separator = 0;
    let mut expected = b'{';
    loop {
        let open = quotes.next()?;
        let close = quotes.next()?;
        if *bytes.get(separator)? != expected || open != separator + 1 {
            return None;
        }
        expected = b',';
        let colon = close + 1;
        if *bytes.get(colon)? != b':' {
            return None;
        }
        let value = colon + 1;
        let key = bytes.get(open + 1..close)?;
        if *bytes.get(value)? == b'"' {
            // The quote that comes next is this one.
            quotes.next()?;
            let end = quotes.next()?;
            let text = line.get(value + 1..end)?;
            match key.len() {
                9 if is(key, b"timestamp") && timestamp.is_none() => {
                    timestamp = Some(timestamp::micros(text.as_bytes())?);
                }
                5 if is(key, b"level") && level.is_none() => level = Some(text),
                7 if is(key, b"service") && service.is_none() => service = Some(text),
                7 if is(key, b"message") && message.is_none() => message = Some(text),
                _ => return None,
            }
            separator = end + 1;
        } else {
            let number = Number::at(bytes, value)?;
            match key.len() {
                6 if is(key, b"status") && status.is_none() => status = Some(number.integer()?),
                10 if is(key, b"latency_ms") && latency_ms.is_none() => {
                    latency_ms = Some(number.float());
                }
                _ => return None,
            }
            separator = number.end;
        }
        if *bytes.get(separator)? == b'}' {
            break;
        }
    }
    if separator + 1 != bytes.len() || !quotes.is_plain() {
        return None;
    }
    Some(Fields {
        timestamp: timestamp?,
        level: level?,
        service: service?,
        status: status?,
        latency_ms: latency_ms?,
        message: message?,
    })
}

/// Compares with a text of a length that the compiler knows, which takes an instruction or two instead of a loop.
#[inline]
fn is<const N: usize>(key: &[u8], name: &[u8; N]) -> bool {
    key.first_chunk::<N>() == Some(name)
}

/// A number without sign and exponent, of at most 15 digits.
struct Number {
    digits: u64,
    /// How many of them stand behind the point.
    fraction: usize,
    end: usize,
}

impl Number {
    #[inline]
    fn at(bytes: &[u8], start: usize) -> Option<Self> {
        const MOST_DIGITS: usize = 15;
        let (mut digits, mut point, mut end) = (0, None, start);
        loop {
            let byte = *bytes.get(end)?;
            let digit = byte.wrapping_sub(b'0');
            if digit < 10 {
                digits = 10 * digits + u64::from(digit);
            } else if byte == b'.' && point.is_none() {
                point = Some(end);
            } else {
                break;
            }
            end += 1;
            if end - start > MOST_DIGITS {
                return None;
            }
        }
        let whole = point.unwrap_or(end) - start;
        let fraction = point.map_or(0, |point| end - point - 1);
        let leading_zero = whole > 1 && bytes[start] == b'0';
        if whole == 0 || leading_zero || point.is_some() && fraction == 0 {
            return None;
        }
        Some(Self { digits, fraction, end })
    }

    #[inline]
    fn integer(&self) -> Option<i32> {
        if self.fraction > 0 { None } else { i32::try_from(self.digits).ok() }
    }

    /// Exact: digits and power of ten are both below 2^53, so only the division rounds (W. D. Clinger, How to Read
    /// Floating-Point Numbers Accurately, 1990).
    #[inline]
    fn float(&self) -> f64 {
        const POWERS: [f64; 16] =
            [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
        self.digits as f64 / POWERS[self.fraction % 16]
    }
}
