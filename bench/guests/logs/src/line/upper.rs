//! Upper case of short names.

/// The longest name that is treated as one block.
const BLOCK: usize = 16;

/// Makes upper case, into memory that is used again for each name.
#[derive(Debug, Default)]
pub struct Upper {
    block: [u8; BLOCK],
    text: String,
}

impl Upper {
    /// `name` in upper case.
    #[inline]
    pub fn of(&mut self, name: &str) -> &str {
        if name.len() > BLOCK {
            return self.slowly(name);
        }
        // Of a length that the compiler knows, so without a loop where there are instructions for vectors.
        self.block = [0; BLOCK];
        self.block[..name.len()].copy_from_slice(name.as_bytes());
        let mut all_bits = 0;
        for byte in &mut self.block {
            all_bits |= *byte;
            *byte = byte.to_ascii_uppercase();
        }
        if !all_bits.is_ascii() {
            return self.slowly(name);
        }
        #[expect(unsafe_code, reason = "to check it takes longer than all of the rest")]
        // SAFETY: the bytes are ASCII.
        unsafe {
            str::from_utf8_unchecked(&self.block[..name.len()])
        }
    }

    #[inline(never)]
    fn slowly(&mut self, name: &str) -> &str {
        self.text = name.to_uppercase();
        &self.text
    }
}
