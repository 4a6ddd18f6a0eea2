//! International bank account numbers, whose groups look like phone numbers and are skipped:
//! `DE89 3704 0044 0532 0130 00`.
//!
//! Two letters, two check digits, and letters and digits up to 34 in all, such that the whole, moved by
//! four characters and read as a number with A = 10 to Z = 35, is 1 modulo 97 (ISO 13616-1).

const MIN_CHARACTERS: usize = 15;
const MAX_CHARACTERS: usize = 34;

/// The end in `bytes` of the shortest account number whose check digits are at `at`; none where there is none.
pub fn end(bytes: &[u8], at: usize) -> Option<usize> {
    let start = at.checked_sub(2)?;
    let [first, second, third, fourth] = *bytes.get(start..at + 2)?.first_chunk()?;
    let is_start = first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && third.is_ascii_digit()
        && fourth.is_ascii_digit()
        && !start.checked_sub(1).is_some_and(|before| bytes[before].is_ascii_alphanumeric());
    if !is_start {
        return None;
    }
    // What is moved to the end, as a number.
    let country = u32::from(first - b'A' + 10) * 100 + u32::from(second - b'A' + 10);
    let moved = country * 100 + u32::from(third - b'0') * 10 + u32::from(fourth - b'0');
    let mut remainder = 0;
    let mut count = 4;
    let mut next = at + 2;
    while count < MAX_CHARACTERS {
        let is_space = bytes.get(next) == Some(&b' ');
        let place = next + usize::from(is_space);
        remainder = match bytes.get(place) {
            Some(digit @ b'0'..=b'9') => remainder * 10 + u32::from(digit - b'0'),
            Some(letter @ b'A'..=b'Z') => remainder * 100 + u32::from(letter - b'A' + 10),
            _ => break,
        } % 97;
        count += 1;
        next = place + 1;
        let is_whole = !bytes.get(next).is_some_and(u8::is_ascii_alphanumeric);
        // 10^6 leaves room for the six digits that are moved.
        if count >= MIN_CHARACTERS && is_whole && (remainder * 1_000_000 + moved) % 97 == 1 {
            return Some(next);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of the registry of ISO 13616.
    #[test]
    fn account_numbers_are_recognized() {
        for text in [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "NL91 ABNA 0417 1643 00",
            "GB29 NWBK 6016 1331 9268 19",
            "NO93 8601 1117 947",
            "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        ] {
            assert_eq!(end(text.as_bytes(), 2), Some(text.len()), "{text}");
            let followed = format!("{text} 0171 2345678");
            assert_eq!(end(followed.as_bytes(), 2), Some(text.len()), "{followed}");
        }
    }

    #[test]
    fn other_text_is_not() {
        for text in ["DE88 3704 0044 0532 0130 00", "DE89", "de89 3704 0044 0532 0130 00", "ABC1"] {
            assert_eq!(end(text.as_bytes(), 2), None, "{text}");
        }
        assert_eq!(end(b"XDE89370400440532013000", 3), None);
        assert_eq!(end(b"12", 0), None);
    }
}
