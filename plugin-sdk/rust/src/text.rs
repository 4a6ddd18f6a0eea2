//! Searching text, many bytes at each turn.
//!
//! The searches of the standard library look at a few bytes at a time in WebAssembly, and a plugin that is metered looks at its
//! fuel and at the clock each time as well. These look at 64. They search for one ASCII character, which is never part of
//! another character in UTF-8, so what they cut is text again.

/// Where `byte` comes first in `bytes`.
#[inline]
pub fn find_byte(bytes: &[u8], byte: u8) -> Option<usize> {
    #[cfg(target_arch = "wasm32")]
    return simd::find_byte(bytes, byte);
    #[cfg(not(target_arch = "wasm32"))]
    return bytes.iter().position(|&other| other == byte);
}

/// The parts of `text` between separators, as many as there are separators and one more.
///
/// ```
/// let parts: Vec<_> = wasmill_plugin_sdk::text::split("a.b..", '.').collect();
/// assert_eq!(parts, ["a", "b", "", ""]);
/// ```
///
/// # Panics
///
/// When the separator is not an ASCII character.
pub fn split(text: &str, separator: char) -> Split<'_> {
    Split { rest: Some(text), separator: ascii(separator) }
}

/// The part of `text` at `index`, counted from 0; none where there are fewer.
///
/// ```
/// use wasmill_plugin_sdk::text::field;
///
/// assert_eq!(field("2026-11-24", '-', 1), Some("11"));
/// assert_eq!(field("2026-11-24", '-', 3), None);
/// ```
///
/// # Panics
///
/// When the separator is not an ASCII character.
pub fn field(text: &str, separator: char, index: usize) -> Option<&str> {
    split(text, separator).nth(index)
}

/// The text before and after the first separator; none where there is no separator.
///
/// ```
/// use wasmill_plugin_sdk::text::split_once;
///
/// assert_eq!(split_once("ada@example.com", '@'), Some(("ada", "example.com")));
/// ```
///
/// # Panics
///
/// When the separator is not an ASCII character.
pub fn split_once(text: &str, separator: char) -> Option<(&str, &str)> {
    let place = find_byte(text.as_bytes(), ascii(separator))?;
    Some((&text[..place], &text[place + 1..]))
}

fn ascii(separator: char) -> u8 {
    assert!(separator.is_ascii(), "a separator is an ASCII character, which {separator:?} is not");
    separator as u8
}

/// Made by [`split`].
#[derive(Debug, Clone)]
pub struct Split<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let Some(place) = find_byte(text.as_bytes(), self.separator) else {
            return self.rest.take();
        };
        self.rest = Some(&text[place + 1..]);
        Some(&text[..place])
    }
}

#[cfg(target_arch = "wasm32")]
mod simd {
    use core::arch::wasm32::{
        i8x16_bitmask, i8x16_eq, u8x16_splat, v128, v128_any_true, v128_load, v128_or,
    };

    /// Bytes of a vector.
    const LANES: usize = 16;
    /// Bytes looked at in each turn.
    const TURN: usize = 4 * LANES;

    /// Every host of components knows SIMD instructions, so that nothing has to be asked first.
    #[target_feature(enable = "simd128")]
    pub fn find_byte(bytes: &[u8], byte: u8) -> Option<usize> {
        let wanted = u8x16_splat(byte);
        let (turns, rest) = bytes.as_chunks::<TURN>();
        for (turn, chunk) in turns.iter().enumerate() {
            if let Some(place) = find_in_turn(chunk, wanted) {
                return Some(turn * TURN + place);
            }
        }
        if rest.is_empty() {
            return None;
        }
        // What is left is looked at as the end of a whole turn, some bytes for a second time, or with zeros before it: one
        // way through, and no loop.
        let mut padded = [0; TURN];
        let last = bytes.last_chunk::<TURN>().unwrap_or_else(|| {
            padded[TURN - rest.len()..].copy_from_slice(rest);
            &padded
        });
        let skipped = TURN - rest.len();
        let place = match find_in_turn(last, wanted)? {
            // Zeros are found as well, by who looks for them.
            place if place < skipped => rest.iter().position(|&other| other == byte)?,
            place => place - skipped,
        };
        Some(turns.len() * TURN + place)
    }

    #[target_feature(enable = "simd128")]
    fn find_in_turn(chunk: &[u8; TURN], wanted: v128) -> Option<usize> {
        let vectors = chunk.as_chunks::<LANES>().0;
        let equal = [0, 1, 2, 3].map(|index| i8x16_eq(load(&vectors[index]), wanted));
        let any = v128_or(v128_or(equal[0], equal[1]), v128_or(equal[2], equal[3]));
        v128_any_true(any).then(|| first_set(equal))
    }

    #[target_feature(enable = "simd128")]
    fn first_set(equal: [v128; 4]) -> usize {
        let [first, second, third, fourth] = equal.map(|vector| u64::from(i8x16_bitmask(vector)));
        (first | second << 16 | third << 32 | fourth << 48).trailing_zeros() as usize
    }

    #[target_feature(enable = "simd128")]
    #[expect(unsafe_code, reason = "there is no other way to load a vector at once")]
    fn load(bytes: &[u8; LANES]) -> v128 {
        // SAFETY: the 16 bytes are there to be read, and a load needs no alignment.
        unsafe { v128_load(bytes.as_ptr().cast()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_standard_library() {
        let long = "segment ".repeat(20);
        for text in ["", ".", "a", "a.b", ".a", "a.", "..", "grüße.aus.köln", &long] {
            for separator in ['.', 's', ' '] {
                let parts: Vec<_> = split(text, separator).collect();
                assert_eq!(parts, text.split(separator).collect::<Vec<_>>(), "{text:?}");
                assert_eq!(split_once(text, separator), text.split_once(separator), "{text:?}");
                assert_eq!(field(text, separator, 1), text.split(separator).nth(1), "{text:?}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "ASCII")]
    fn separators_are_ascii() {
        field("a", 'ä', 0);
    }
}
