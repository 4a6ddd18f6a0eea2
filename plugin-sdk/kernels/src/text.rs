//! Looking at texts, which are slices of one buffer. Offsets that lead outside of it make empty texts: the host checked them.

use crate::bits::bitmap;

/// Texts by their offsets.
#[derive(Debug, Clone, Copy)]
pub struct Texts<'a> {
    offsets: &'a [[u8; 4]],
    values: &'a [u8],
}

impl<'a> Texts<'a> {
    pub fn new(offsets: &'a [u8], values: &'a [u8]) -> Self {
        Self { offsets: offsets.as_chunks().0, values }
    }

    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.offsets.windows(2).map(move |pair| {
            let [from, to] = [pair[0], pair[1]].map(|bytes| u32::from_le_bytes(bytes) as usize);
            self.values.get(from..to).unwrap_or_default()
        })
    }

    fn bitmap(self, holds: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        bitmap(self.iter().map(holds))
    }
}

/// Texts that are made one after another.
#[derive(Debug)]
pub struct NewTexts {
    pub offsets: Vec<u8>,
    pub values: Vec<u8>,
}

impl NewTexts {
    fn with_capacity(count: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(4 * (count + 1));
        offsets.extend(0_u32.to_le_bytes());
        Self { offsets, values: Vec::with_capacity(bytes) }
    }

    fn push(&mut self, text: &[u8]) {
        self.values.extend_from_slice(text);
        self.offsets.extend((self.values.len() as u32).to_le_bytes());
    }
}

/// Texts in two, each with U+0000 between them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TwoParts {
    /// The texts that are nothing but ASCII; others are empty.
    pub ascii: String,
    pub others: String,
    /// Where the others are.
    pub positions: Vec<u32>,
}

/// All texts, put together; none where U+0000 is in one.
pub fn joined(texts: Texts<'_>) -> Option<TwoParts> {
    if texts.values.contains(&0) {
        return None;
    }
    let mut ascii = Vec::with_capacity(texts.values.len() + texts.offsets.len());
    let (mut others, mut positions) = (Vec::new(), Vec::new());
    let are_ascii = texts.values.is_ascii();
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            ascii.push(0);
        }
        if are_ascii || text.is_ascii() {
            ascii.extend_from_slice(text);
            continue;
        }
        if !positions.is_empty() {
            others.push(0);
        }
        others.extend_from_slice(text);
        positions.push(index as u32);
    }
    let [ascii, others] = [ascii, others].map(String::from_utf8);
    Some(TwoParts { ascii: ascii.ok()?, others: others.ok()?, positions })
}

/// And back: `count` texts; none where there are not as many.
pub fn separated(joined: &str, count: usize) -> Option<NewTexts> {
    let mut made = NewTexts::with_capacity(count, joined.len());
    if count > 0 || !joined.is_empty() {
        joined.as_bytes().split(|byte| *byte == 0).for_each(|text| made.push(text));
    }
    (made.offsets.len() == 4 * (count + 1)).then_some(made)
}

/// In capitals or in small letters, by Unicode's rules.
pub fn recase(texts: Texts<'_>, upper: bool) -> NewTexts {
    if texts.values.is_ascii() {
        let values = if upper {
            texts.values.to_ascii_uppercase()
        } else {
            texts.values.to_ascii_lowercase()
        };
        return NewTexts { offsets: texts.offsets.as_flattened().to_vec(), values };
    }
    let mut made = NewTexts::with_capacity(texts.offsets.len(), texts.values.len());
    for text in texts.iter() {
        let text = String::from_utf8_lossy(text);
        made.push(if upper { text.to_uppercase() } else { text.to_lowercase() }.as_bytes());
    }
    made
}

/// The texts that have `part` in them.
pub fn contains(texts: Texts<'_>, part: &[u8]) -> Vec<u8> {
    texts.bitmap(|text| find(text, part).is_some())
}

/// The texts that are among `wanted`.
pub fn is_in(texts: Texts<'_>, wanted: &[String]) -> Vec<u8> {
    let mut wanted: Vec<&[u8]> = wanted.iter().map(String::as_bytes).collect();
    wanted.sort_unstable();
    texts.bitmap(|text| wanted.binary_search(&text).is_ok())
}

/// What is between the `index`-th separator and the next one, and a bitmap of the texts that have it; the others are empty.
pub fn part(texts: Texts<'_>, separator: &[u8], index: u32) -> (NewTexts, Vec<u8>) {
    let mut made = NewTexts::with_capacity(texts.offsets.len(), texts.values.len());
    let found = bitmap(texts.iter().map(|text| {
        let found = nth(text, separator, index);
        made.push(found.unwrap_or_default());
        found.is_some()
    }));
    (made, found)
}

fn nth<'a>(text: &'a [u8], separator: &[u8], index: u32) -> Option<&'a [u8]> {
    let mut rest = text;
    for _ in 0..index {
        rest = &rest[find(rest, separator)? + separator.len()..];
    }
    Some(find(rest, separator).map_or(rest, |end| &rest[..end]))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [] => Some(0),
        [byte] => text.iter().position(|one| one == byte),
        [first, ..] => {
            let last = text.len().checked_sub(part.len())?;
            (0..=last).find(|&at| text[at] == *first && text[at..].starts_with(part))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffers(texts: &[&str]) -> (Vec<u8>, Vec<u8>) {
        let mut offsets = vec![0; 4];
        let mut end = 0_u32;
        for text in texts {
            end += text.len() as u32;
            offsets.extend(end.to_le_bytes());
        }
        (offsets, texts.concat().into_bytes())
    }

    #[test]
    fn texts_are_searched() {
        let (offsets, values) = buffers(&["", "a.b.c", "ab", "ä.ö", ".."]);
        let texts = Texts::new(&offsets, &values);
        assert_eq!(contains(texts, b"b"), [0b00110]);
        assert_eq!(contains(texts, b""), [0b11111]);
        assert_eq!(contains(texts, "ä.ö".as_bytes()), [0b01000]);
        assert_eq!(contains(texts, b"b.c"), [0b00010]);
        let wanted = ["ab", ""].map(str::to_owned);
        assert_eq!(is_in(texts, &wanted), [0b00101]);
        assert_eq!(is_in(texts, &[]), [0]);
    }

    fn split(texts: Texts<'_>) -> Vec<String> {
        texts.iter().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect()
    }

    #[test]
    fn texts_are_put_together_and_taken_apart() {
        for all in [&["", "a.b.c", "ß", ""][..], &[""], &["x"], &[]] {
            let (offsets, values) = buffers(all);
            let one = all.join("\0");
            let made = separated(&one, all.len()).unwrap();
            assert_eq!((made.offsets, made.values), (offsets, values));
            assert!(separated(&one, all.len() + 2).is_none());
        }
        assert!(separated("a", 0).is_none());
        let (offsets, values) = buffers(&["a\0b"]);
        assert!(joined(Texts::new(&offsets, &values)).is_none());
    }

    #[test]
    fn texts_that_are_not_ascii_are_put_together_apart() {
        let together = |all: &[&str]| {
            let (offsets, values) = buffers(all);
            joined(Texts::new(&offsets, &values)).unwrap()
        };
        let parts = |ascii: &str, others: &str, positions: &[u32]| TwoParts {
            ascii: ascii.to_owned(),
            others: others.to_owned(),
            positions: positions.to_vec(),
        };
        assert_eq!(together(&[]), TwoParts::default());
        assert_eq!(together(&["a", "", "b"]), parts("a\0\0b", "", &[]));
        assert_eq!(together(&["ß", "a", "😀"]), parts("\0a\0", "ß\0😀", &[0, 2]));
    }

    #[test]
    fn texts_change_between_capitals_and_small_letters() {
        let (offsets, values) = buffers(&["", "a.b.c", "ß", "ΑΣ", "x"]);
        let texts = Texts::new(&offsets, &values);
        let recased = |texts, upper| {
            let made = recase(texts, upper);
            split(Texts::new(&made.offsets, &made.values))
        };
        assert_eq!(recased(texts, true), ["", "A.B.C", "SS", "ΑΣ", "X"]);
        assert_eq!(recased(texts, false), ["", "a.b.c", "ß", "ας", "x"]);
        let (offsets, values) = buffers(&["aB", "", "C1"]);
        assert_eq!(recased(Texts::new(&offsets, &values), true), ["AB", "", "C1"]);
    }

    #[test]
    fn parts_are_those_between_separators() {
        let (offsets, values) = buffers(&["", "a.b.c", "ab", "ä.ö", "..", "x."]);
        let texts = Texts::new(&offsets, &values);
        let parts = |separator: &str, index| -> Vec<Option<String>> {
            let (made, found) = part(texts, separator.as_bytes(), index);
            let found = crate::bits::unpack(&found, 6);
            let texts = split(Texts::new(&made.offsets, &made.values));
            texts.into_iter().zip(found).map(|(text, found)| (found == 1).then_some(text)).collect()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(parts(".", 0), ["", "a", "ab", "ä", "", "x"].map(some));
        assert_eq!(parts(".", 1), [None, some("b"), None, some("ö"), some(""), some("")]);
        assert_eq!(parts("b.", 1), [None, some("c"), None, None, None, None]);
    }

    #[test]
    fn offsets_that_lead_nowhere_make_empty_texts() {
        let offsets: Vec<u8> = [0_u32, 9, 3, 2].iter().flat_map(|at| at.to_le_bytes()).collect();
        let lengths: Vec<usize> = Texts::new(&offsets, b"abc").iter().map(<[u8]>::len).collect();
        assert_eq!(lengths, [0, 0, 0]);
    }
}
