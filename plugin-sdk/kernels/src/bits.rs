//! Bitmaps.

/// A bitmap of what is true.
pub fn bitmap(bits: impl IntoIterator<Item = bool>) -> Vec<u8> {
    let mut bits = bits.into_iter();
    let mut bitmap = Vec::with_capacity(bits.size_hint().0.div_ceil(8));
    while let Some(first) = bits.next() {
        let others = bits.by_ref().take(7).zip(1..);
        bitmap.push(others.fold(u8::from(first), |byte, (bit, at)| byte | u8::from(bit) << at));
    }
    bitmap
}

/// Bytes of 0 and 1 as a bitmap.
pub fn pack(bytes: &[u8]) -> Vec<u8> {
    bitmap(bytes.iter().map(|byte| *byte != 0))
}

/// How two bitmaps become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logic {
    Both,
    Either,
    FirstOnly,
}

/// Bit by bit; as long as the shorter one.
pub fn combine(logic: Logic, first: &[u8], second: &[u8]) -> Vec<u8> {
    let pairs = first.iter().zip(second);
    match logic {
        Logic::Both => pairs.map(|(first, second)| first & second).collect(),
        Logic::Either => pairs.map(|(first, second)| first | second).collect(),
        Logic::FirstOnly => pairs.map(|(first, second)| first & !second).collect(),
    }
}

/// Which bits are 1, ascending.
pub fn positions(bitmap: &[u8]) -> Vec<u32> {
    let mut positions = Vec::new();
    for (at, &byte) in (0..).step_by(8).zip(bitmap) {
        let mut rest = byte;
        while rest != 0 {
            positions.push(at + rest.trailing_zeros());
            rest &= rest - 1;
        }
    }
    positions
}

/// Bits as bytes of 0 and 1. What the bitmap is short of is 0.
pub fn unpack(bitmap: &[u8], length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::with_capacity(length.next_multiple_of(8));
    for byte in bitmap.iter().take(length.div_ceil(8)) {
        bytes.extend((0..8).map(|bit| byte >> bit & 1));
    }
    bytes.resize(length, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitmaps_are_combined_and_looked_through() {
        let (first, second) = ([0b1100, 0xff], [0b1010, 0x0f]);
        assert_eq!(combine(Logic::Both, &first, &second), [0b1000, 0x0f]);
        assert_eq!(combine(Logic::Either, &first, &second), [0b1110, 0xff]);
        assert_eq!(combine(Logic::FirstOnly, &first, &second), [0b0100, 0xf0]);
        assert_eq!(positions(&[0b1000_0101, 0, 0b10]), [0, 2, 7, 17]);
    }

    #[test]
    fn bitmaps_become_bytes_and_back() {
        assert_eq!(pack(&[1, 0, 0, 1, 0, 0, 0, 0, 1]), [0b1001, 1]);
        assert_eq!(unpack(&[0b1001, 0xff], 9), [1, 0, 0, 1, 0, 0, 0, 0, 1]);
        assert_eq!((pack(&[]), unpack(&[], 0)), (vec![], vec![]));
        assert_eq!(unpack(&[1], 9), [1, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
