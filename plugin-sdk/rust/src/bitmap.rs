//! Packed bits, least significant first, as Arrow has them.

use crate::builder::LANES;

/// A bitmap that is being built.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    bytes: Vec<u8>,
    len: usize,
    ones: usize,
}

impl Bitmap {
    /// An empty bitmap with room for `capacity` bits.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity.div_ceil(8)), len: 0, ones: 0 }
    }

    /// `len` bits, all 1.
    pub fn all_set(len: usize) -> Self {
        let mut bytes = vec![0xff; len.div_ceil(8)];
        if let Some(last) = bytes.last_mut()
            && !len.is_multiple_of(8)
        {
            *last = (1 << (len % 8)) - 1;
        }
        Self { bytes, len, ones: len }
    }

    /// One bit per index, by what `bit` says of it.
    pub fn from_fn(len: usize, mut bit: impl FnMut(usize) -> bool) -> Self {
        let mut bytes = Vec::with_capacity(len.div_ceil(8));
        let mut ones = 0;
        // Two bytes at each turn; see `LANES`.
        let blocks = len / LANES;
        for block in 0..blocks {
            let mut word = 0_u16;
            for lane in 0..LANES {
                word |= u16::from(bit(block * LANES + lane)) << lane;
            }
            ones += word.count_ones() as usize;
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let rest = blocks * LANES..len;
        let mut word = 0_u16;
        for (lane, index) in rest.clone().enumerate() {
            word |= u16::from(bit(index)) << lane;
        }
        ones += word.count_ones() as usize;
        bytes.extend_from_slice(&word.to_le_bytes()[..rest.len().div_ceil(8)]);
        Self { bytes, len, ones }
    }

    /// Takes over packed bits; bits beyond `len` are cleared.
    pub(crate) fn from_bytes(bytes: &[u8], len: usize) -> Self {
        let mut bytes = bytes[..len.div_ceil(8)].to_vec();
        if let Some(last) = bytes.last_mut()
            && !len.is_multiple_of(8)
        {
            *last &= (1 << (len % 8)) - 1;
        }
        let ones = count_ones(&bytes);
        Self { bytes, len, ones }
    }

    /// The bits that are 1 in both, which are of one length.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.bytes.iter_mut().zip(&other.bytes).for_each(|(byte, other)| *byte &= other);
        self.ones = count_ones(&self.bytes);
        self
    }

    pub fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        let last = self.bytes.len() - 1;
        self.bytes[last] |= u8::from(bit) << (self.len % 8);
        self.len += 1;
        self.ones += usize::from(bit);
    }

    pub fn get(&self, index: usize) -> bool {
        bit(&self.bytes, index)
    }

    /// Clears one bit.
    pub fn clear(&mut self, index: usize) {
        if self.get(index) {
            self.bytes[index / 8] &= !(1 << (index % 8));
            self.ones -= 1;
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bits are 1.
    pub fn count_ones(&self) -> usize {
        self.ones
    }

    /// Whether all bits are 1.
    pub fn is_all_set(&self) -> bool {
        self.ones == self.len
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn count_ones(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word).count_ones() as usize);
    words.sum::<usize>() + rest.iter().map(|byte| byte.count_ones() as usize).sum::<usize>()
}

/// The bit at `index` of packed bits.
#[inline]
pub(crate) fn bit(bytes: &[u8], index: usize) -> bool {
    bytes[index / 8] >> (index % 8) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_that_were_asked_for() {
        for len in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 128] {
            let wanted = |index: usize| index % 3 == 1 || index % 7 == 5;
            let bitmap = Bitmap::from_fn(len, wanted);
            assert_eq!((bitmap.len(), bitmap.clone().into_bytes().len()), (len, len.div_ceil(8)));
            assert!((0..len).all(|index| bitmap.get(index) == wanted(index)), "{len}");
            assert_eq!(bitmap.count_ones(), (0..len).filter(|&index| wanted(index)).count());
            let mut pushed = Bitmap::default();
            (0..len).for_each(|index| pushed.push(wanted(index)));
            assert_eq!(bitmap, pushed);
            let odd = Bitmap::from_fn(len, |index| index % 2 == 1);
            let both = bitmap.and(&odd);
            assert_eq!(both, Bitmap::from_fn(len, |index| wanted(index) && index % 2 == 1));
        }
    }
}
