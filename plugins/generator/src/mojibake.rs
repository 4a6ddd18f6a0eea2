//! Text that was written as UTF-8 and read as Windows-1252, as in `JosÃ©`.

/// What Windows-1252 has at 0x80 to 0x9f; elsewhere it agrees with Latin-1. The five places that it leaves
/// open stand for the control characters of Latin-1, as browsers have it
/// (<https://encoding.spec.whatwg.org/#windows-1252>).
const UPPER_CONTROLS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
    '\u{8f}', //
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The UTF-8 bytes of `text`, read as Windows-1252.
pub fn mojibake(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            0x80..=0x9f => UPPER_CONTROLS[usize::from(byte) - 0x80],
            other => char::from(other),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_garbles() {
        for (text, expected) in [
            ("José", "JosÃ©"),
            ("Groß", "GroÃŸ"),
            ("Paweł", "PaweÅ‚"),
            ("plain", "plain"),
            ("€", "â‚¬"),
        ] {
            assert_eq!(mojibake(text), expected);
        }
    }
}
