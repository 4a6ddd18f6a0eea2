//! The check `length`: how many characters a text has.

/// The lowest and the highest number of characters.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    pub min: usize,
    pub max: usize,
}

impl Length {
    /// Whether the text has as many characters (Unicode scalar values) as it should.
    #[inline]
    pub fn fits(self, text: &str) -> bool {
        // A character has one to four bytes: mostly that settles it without counting.
        let bytes = text.len();
        if bytes.div_ceil(4) >= self.min && bytes <= self.max {
            return true;
        }
        let characters = text.chars().count();
        self.min <= characters && characters <= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        let length = Length { min: 2, max: 3 };
        for (text, fits) in [
            ("", false),
            ("a", false),
            ("ab", true),
            ("äöü", true),
            ("日本語", true),
            ("abcd", false),
            ("🦀", false),
        ] {
            assert_eq!(length.fits(text), fits, "{text}");
        }
    }
}
