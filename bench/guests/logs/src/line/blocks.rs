//! 64 bytes at a time: where the quotes are, and whether there is anything that needs a closer look.

pub const BLOCK: usize = 64;

/// What is in a block; the bit of the first byte is the lowest.
pub struct Found {
    /// Where there is a quote.
    pub quotes: u64,
    /// Where there is a backslash or a control character.
    pub odd: u64,
}

#[cfg(target_arch = "wasm32")]
#[target_feature(enable = "simd128")]
#[inline]
pub fn find(block: &[u8; BLOCK]) -> Found {
    use std::arch::wasm32::{
        i8x16_bitmask, i8x16_eq, u8x16_lt, u8x16_splat, v128, v128_load, v128_or,
    };

    let mut found = Found { quotes: 0, odd: 0 };
    for (index, quarter) in block.as_chunks::<16>().0.iter().enumerate() {
        // SAFETY: the pointer is that of 16 bytes, and loads need not be aligned.
        let bytes: v128 = unsafe { v128_load(quarter.as_ptr().cast()) };
        let quotes = i8x16_bitmask(i8x16_eq(bytes, u8x16_splat(b'"')));
        let backslashes = i8x16_eq(bytes, u8x16_splat(b'\\'));
        let odd = i8x16_bitmask(v128_or(backslashes, u8x16_lt(bytes, u8x16_splat(b' '))));
        found.quotes |= u64::from(quotes) << (16 * index);
        found.odd |= u64::from(odd) << (16 * index);
    }
    found
}

#[cfg(target_arch = "x86_64")]
#[inline]
pub fn find(block: &[u8; BLOCK]) -> Found {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    let mut found = Found { quotes: 0, odd: 0 };
    for (index, quarter) in block.as_chunks::<16>().0.iter().enumerate() {
        // SAFETY: all x86-64 processors have these instructions; the pointer is that of 16 bytes, and loads need not be
        // aligned.
        let (quotes, odd) = unsafe {
            let bytes: __m128i = _mm_loadu_si128(quarter.as_ptr().cast());
            let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
            let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
            // At most 31, without signs.
            let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(31)), bytes);
            let odd = _mm_or_si128(backslashes, control);
            (_mm_movemask_epi8(quotes), _mm_movemask_epi8(odd))
        };
        found.quotes |= u64::from(quotes as u32) << (16 * index);
        found.odd |= u64::from(odd as u32) << (16 * index);
    }
    found
}

#[cfg(not(any(target_arch = "wasm32", target_arch = "x86_64")))]
#[inline]
pub fn find(block: &[u8; BLOCK]) -> Found {
    let mut found = Found { quotes: 0, odd: 0 };
    for (index, &byte) in block.iter().enumerate() {
        found.quotes |= u64::from(byte == b'"') << index;
        found.odd |= u64::from(byte == b'\\' || byte < b' ') << index;
    }
    found
}
