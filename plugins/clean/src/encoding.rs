//! Repairs text that is UTF-8, but was read as Windows-1252 or Latin-1, as in `JosÃ©`.
//!
//! The mistake is undone: the text is written as Windows-1252, and the bytes are read as UTF-8. Real text
//! hardly ever survives that, because a letter beyond ASCII that stands alone is no UTF-8. What does not
//! survive it, or comes out with control characters, stays as it was. Text that was misread several times
//! is repaired as often.

/// Where repaired text is put together; reused from value to value.
#[derive(Default)]
pub struct EncodingRepair {
    repaired: String,
    bytes: Vec<u8>,
}

impl EncodingRepair {
    /// Whether `value` is garbled; [`EncodingRepair::text`] is then what it should be.
    pub fn repair(&mut self, value: &str) -> bool {
        if !self.undo_once(value) {
            return false;
        }
        let mut garbled = std::mem::take(&mut self.repaired);
        while self.undo_once(&garbled) {
            std::mem::swap(&mut garbled, &mut self.repaired);
        }
        self.repaired = garbled;
        true
    }

    /// The last text that was repaired.
    pub fn text(&self) -> &str {
        &self.repaired
    }

    fn undo_once(&mut self, value: &str) -> bool {
        if value.is_ascii() {
            return false;
        }
        self.bytes.clear();
        for character in value.chars() {
            let Some(byte) = windows_1252_byte(character) else { return false };
            self.bytes.push(byte);
        }
        match std::str::from_utf8(&self.bytes) {
            Ok(text) if !text.chars().any(is_upper_control) => {
                self.repaired.clear();
                self.repaired.push_str(text);
                true
            }
            _ => false,
        }
    }
}

/// The control characters U+0080 to U+009F, which no text holds.
fn is_upper_control(character: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&character)
}

/// The byte of a character in Windows-1252, or in Latin-1, which has control characters at 0x80 to 0x9f
/// (<https://encoding.spec.whatwg.org/index-windows-1252.txt>).
fn windows_1252_byte(character: char) -> Option<u8> {
    if let Ok(byte) = u8::try_from(character) {
        return Some(byte);
    }
    Some(match character {
        '€' => 0x80,
        '‚' => 0x82,
        'ƒ' => 0x83,
        '„' => 0x84,
        '…' => 0x85,
        '†' => 0x86,
        '‡' => 0x87,
        'ˆ' => 0x88,
        '‰' => 0x89,
        'Š' => 0x8a,
        '‹' => 0x8b,
        'Œ' => 0x8c,
        'Ž' => 0x8e,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        '˜' => 0x98,
        '™' => 0x99,
        'š' => 0x9a,
        '›' => 0x9b,
        'œ' => 0x9c,
        'ž' => 0x9e,
        'Ÿ' => 0x9f,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(value: &str) -> Option<String> {
        let mut repair = EncodingRepair::default();
        repair.repair(value).then(|| repair.text().to_owned())
    }

    #[test]
    fn garbled_text_is_repaired() {
        for (garbled, expected) in [
            ("JosÃ©", "José"),
            ("GroÃŸ", "Groß"),
            ("Gro\u{c3}\u{9f}", "Groß"),
            ("PaweÅ‚", "Paweł"),
            ("12 â‚¬", "12 €"),
            ("donâ€™t", "don’t"),
            ("naÃ¯ve cafÃ©", "naïve café"),
            ("æ—¥æœ¬", "日本"),
            ("voilÃ\u{a0}", "voilà"),
            // Misread twice.
            ("JosÃƒÂ©", "José"),
        ] {
            assert_eq!(repaired(garbled).as_deref(), Some(expected), "{garbled}");
        }
    }

    #[test]
    fn other_text_stays() {
        for value in [
            "",
            "plain",
            "José",
            "Groß",
            "12 €",
            "MANHÃ",
            "NÃO",
            "Ã",
            "日本",
            // Half of it is no Windows-1252.
            "JosÃ© 日本",
            // Half of it is no garbled text.
            "JosÃ© é",
            // Would become a control character.
            "Â\u{85}",
            // A surrogate, an overlong form.
            "í\u{a0}\u{80}",
            "À€",
        ] {
            assert_eq!(repaired(value), None, "{value}");
        }
    }

    #[test]
    fn whatever_was_misread_comes_back() {
        for character in ('\u{a0}'..='\u{2fff}').chain('\u{1f300}'..='\u{1f6ff}') {
            let text = character.to_string();
            let latin_1: String = text.bytes().map(char::from).collect();
            assert_eq!(repaired(&latin_1).as_deref(), Some(text.as_str()), "{character:?}");
        }
    }
}
