//! Bringing text into one case.

use crate::config::CaseName;

/// `value` in the case; itself where it is so already, else in `buffer`.
pub fn change_case<'a>(case: CaseName, value: &'a str, buffer: &'a mut String) -> &'a str {
    buffer.clear();
    if value.is_ascii() {
        return change_ascii_case(case, value, buffer);
    }
    match case {
        // The whole text at once: a Greek sigma at the end of a word has a small letter of its own.
        CaseName::Lower => buffer.push_str(&value.to_lowercase()),
        CaseName::Upper => buffer.extend(value.chars().flat_map(char::to_uppercase)),
        CaseName::Title => write_title(value, buffer),
    }
    if buffer == value { value } else { buffer }
}

/// The same for ASCII, where letters are changed in place, and to find out whether any is to be changed is cheap.
fn change_ascii_case<'a>(case: CaseName, value: &'a str, buffer: &'a mut String) -> &'a str {
    let is_done = match case {
        CaseName::Lower => !has_any(value, b'A', b'Z'),
        CaseName::Upper => !has_any(value, b'a', b'z'),
        CaseName::Title => is_ascii_title(value),
    };
    if is_done {
        return value;
    }
    buffer.push_str(value);
    match case {
        CaseName::Lower => buffer.make_ascii_lowercase(),
        CaseName::Upper => buffer.make_ascii_uppercase(),
        CaseName::Title => make_ascii_title(buffer),
    }
    buffer
}

/// Whether any character of the text, which is ASCII, is from `first` to `last`. Eight at a time: in each byte,
/// one sum has its highest bit set from `first` on, the other beyond `last`.
fn has_any(text: &str, first: u8, last: u8) -> bool {
    let (chunks, rest) = text.as_bytes().as_chunks();
    let (from_first, beyond_last) = (eightfold(0x80 - first), eightfold(0x7f - last));
    let is_in_chunk = |chunk: &[u8; 8]| {
        let chunk = u64::from_ne_bytes(*chunk);
        ((chunk + from_first) ^ (chunk + beyond_last)) & eightfold(0x80) != 0
    };
    chunks.iter().any(is_in_chunk) || rest.iter().any(|byte| (first..=last).contains(byte))
}

fn eightfold(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

fn is_ascii_title(text: &str) -> bool {
    let mut in_word = false;
    text.bytes().all(|byte| {
        let is_right =
            if in_word { !byte.is_ascii_uppercase() } else { !byte.is_ascii_lowercase() };
        in_word = continues_word(byte, in_word);
        is_right
    })
}

/// The same as [`write_title`] for ASCII, in place.
fn make_ascii_title(text: &mut str) {
    text.make_ascii_lowercase();
    let mut in_word = false;
    for index in 0..text.len() {
        let byte = text.as_bytes()[index];
        if !in_word && byte.is_ascii_lowercase() {
            text[index..=index].make_ascii_uppercase();
        }
        in_word = continues_word(byte, in_word);
    }
}

/// Whether what follows this character of ASCII is in a word.
fn continues_word(byte: u8, in_word: bool) -> bool {
    byte.is_ascii_alphanumeric() || (in_word && byte == b'\'')
}

/// Words are runs of letters, digits and apostrophes, so that `don't` is one.
fn write_title(value: &str, buffer: &mut String) {
    let mut in_word = false;
    for character in value.chars() {
        if in_word {
            buffer.extend(character.to_lowercase());
        } else {
            buffer.extend(character.to_uppercase());
        }
        in_word = character.is_alphanumeric() || (in_word && matches!(character, '\'' | '’'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(case: CaseName, value: &str) -> String {
        change_case(case, value, &mut String::new()).to_owned()
    }

    #[test]
    fn cases() {
        for (value, lower, upper, title) in [
            ("", "", "", ""),
            ("jane DOE", "jane doe", "JANE DOE", "Jane Doe"),
            ("jean-luc", "jean-luc", "JEAN-LUC", "Jean-Luc"),
            ("it's O’NEILL", "it's o’neill", "IT'S O’NEILL", "It's O’neill"),
            ("'quoted'", "'quoted'", "'QUOTED'", "'Quoted'"),
            ("straße 5A", "straße 5a", "STRASSE 5A", "Straße 5a"),
            ("ÉMILE zola", "émile zola", "ÉMILE ZOLA", "Émile Zola"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευς", "ΟΔΥΣΣΕΥΣ", "Οδυσσευσ"),
            ("日本", "日本", "日本", "日本"),
        ] {
            assert_eq!(changed(CaseName::Lower, value), lower);
            assert_eq!(changed(CaseName::Upper, value), upper);
            assert_eq!(changed(CaseName::Title, value), title);
        }
    }

    #[test]
    fn letters_are_found_wherever_they_are() {
        for length in 0..20 {
            for index in 0..length {
                for (byte, expected) in [(b'@', false), (b'A', true), (b'Z', true), (b'[', false)] {
                    let mut text = vec![b'z'; length];
                    text[index] = byte;
                    let text = String::from_utf8(text).unwrap();
                    assert_eq!(has_any(&text, b'A', b'Z'), expected, "{text}");
                }
            }
        }
    }

    #[test]
    fn ascii_is_no_special_case() {
        for value in ["jane DOE", "it's 5A x", "'a' b'c", "a-b_c.d@E", " x", "9to5 O'NEILL''s"] {
            let (mut ascii, mut any) = (value.to_owned(), String::new());
            make_ascii_title(&mut ascii);
            write_title(value, &mut any);
            assert_eq!(ascii, any);
            assert_eq!(is_ascii_title(value), value == any, "{value}");
            assert!(is_ascii_title(&any), "{any}");
        }
    }

    #[test]
    fn what_is_right_is_not_copied() {
        for (case, value) in
            [(CaseName::Lower, "émile"), (CaseName::Upper, "ABC 1"), (CaseName::Title, "Jane Doe")]
        {
            let mut buffer = String::new();
            assert!(std::ptr::eq(change_case(case, value, &mut buffer), value), "{value}");
        }
    }
}
