//! Packed bits, least significant first, as Arrow has them.

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
        for start in (0..len).step_by(8) {
            let mut byte = 0_u8;
            for index in start..len.min(start + 8) {
                byte |= u8::from(bit(index)) << (index - start);
            }
            ones += byte.count_ones() as usize;
            bytes.push(byte);
        }
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
        let ones = bytes.iter().map(|byte| byte.count_ones() as usize).sum();
        Self { bytes, len, ones }
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

/// The bit at `index` of packed bits.
#[inline]
pub(crate) fn bit(bytes: &[u8], index: usize) -> bool {
    bytes[index / 8] >> (index % 8) & 1 == 1
}
