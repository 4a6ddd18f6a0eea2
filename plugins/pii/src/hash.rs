//! Keyed hashing: HMAC-SHA256 (RFC 2104), written in hexadecimal.
//!
//! The same text under the same key gives the same hash in every column, table and run, so hashed tables
//! can still be joined. Without the key a hash can neither be computed nor guessed at.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wasmill_plugin_sdk::prelude::*;

/// The fewest bytes of a key that are accepted.
const MIN_KEY_BYTES: usize = 16;
/// Hexadecimal digits of a whole hash.
pub const MAX_HASH_LENGTH: usize = 64;

/// HMAC-SHA256 with a key that was taken in once.
#[derive(Clone)]
pub struct KeyedHash {
    keyed: Hmac<Sha256>,
}

impl KeyedHash {
    /// # Errors
    ///
    /// [`Error::BadConfig`] at `/key` where the key is shorter than 16 bytes. No error tells the key.
    pub fn new(key: &str) -> Result<Self> {
        if key.len() < MIN_KEY_BYTES {
            let message = format!(
                "has {} bytes; a secret of at least {MIN_KEY_BYTES} is needed, best 32 random ones",
                key.len()
            );
            return Err(Error::bad_config("/key", message));
        }
        let keyed = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        Ok(Self { keyed })
    }

    /// Appends the first `length` hexadecimal digits of the hash of `value`, at most 64.
    pub fn write_hex(&self, value: &str, length: usize, text: &mut String) {
        let mut hash = self.keyed.clone();
        hash.update(value.as_bytes());
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; MAX_HASH_LENGTH];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(hash.finalize().into_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text.push_str(str::from_utf8(&hex[..length]).expect("hexadecimal digits are ASCII"));
    }
}

/// How the hashes of a column are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashStyle {
    /// Hexadecimal digits of each hash.
    pub length: usize,
    /// Whether values are trimmed and lower-cased first.
    pub normalize: bool,
    /// Stands before each hash.
    pub prefix: String,
}

/// Hashes the values of a column.
pub struct Hashing {
    hash: KeyedHash,
    style: HashStyle,
    /// The value in lower case, kept to be filled again.
    lower: String,
}

impl Hashing {
    pub fn new(hash: KeyedHash, style: HashStyle) -> Self {
        Self { hash, style, lower: String::new() }
    }

    /// Appends the hash of `value`.
    pub fn write(&mut self, value: &str, text: &mut String) {
        let value = if self.style.normalize { normalized(value, &mut self.lower) } else { value };
        text.push_str(&self.style.prefix);
        self.hash.write_hex(value, self.style.length, text);
    }
}

/// `value` without white space around it and in lower case, so that the same person is hashed alike.
pub fn normalized<'a>(value: &'a str, lower: &'a mut String) -> &'a str {
    let value = value.trim();
    if !value.is_ascii() {
        // Allocates: lower case is not character by character, a final sigma depends on its place.
        *lower = value.to_lowercase();
        return lower;
    }
    if !value.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return value;
    }
    lower.clear();
    lower.push_str(value);
    lower.make_ascii_lowercase();
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(key: &str, value: &str) -> String {
        let mut text = String::new();
        KeyedHash::new(key).unwrap().write_hex(value, MAX_HASH_LENGTH, &mut text);
        text
    }

    /// RFC 4231, test cases 1 and 5; the other cases have keys that are shorter than 16 bytes or no UTF-8.
    #[test]
    fn known_answers() {
        assert_eq!(
            hex(&"\x0b".repeat(20), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        let truncated = &hex(&"\x0c".repeat(20), "Test With Truncation")[..32];
        assert_eq!(truncated, "a3b6167473100ee06e0c796c2955552b");
    }

    /// Computed by another implementation, Python's `hmac`; the second key is longer than a block.
    #[test]
    fn hashes_are_hmac_sha256() {
        assert_eq!(
            hex("an even longer secret", "jane@example.com"),
            "2589f36aba67d882f555f8bc263791b69d095f93e9b8fa381272c09d9a33f7ee"
        );
        assert_eq!(
            hex(&"k".repeat(131), ""),
            "c68b7ace04e8bf0b01c1ed872ac04ac02cb9acb6a6d01fae07f52ff2d6c9bcee"
        );
    }

    #[test]
    fn a_hash_is_cut_to_its_length_and_follows_its_prefix() {
        let style = HashStyle { length: 8, normalize: true, prefix: "p_".to_owned() };
        let mut hashing = Hashing::new(KeyedHash::new("0123456789abcdef").unwrap(), style);
        let (mut first, mut second) = (String::new(), String::new());
        hashing.write(" Jane@Example.com\n", &mut first);
        hashing.write("jane@example.com", &mut second);
        assert_eq!(first, second);
        assert_eq!(first.len(), 10);
        assert!(first.starts_with("p_"));
    }

    #[test]
    fn normalizing_trims_and_lowers_in_any_script() {
        let mut lower = String::new();
        for (value, expected) in [
            ("", ""),
            (" \t", ""),
            ("plain", "plain"),
            ("  Jane ", "jane"),
            ("\u{a0}ÅSA\u{a0}", "åsa"),
            ("ΟΔΟΣ", "οδος"),
        ] {
            assert_eq!(normalized(value, &mut lower), expected, "{value:?}");
        }
    }

    #[test]
    fn a_short_key_is_refused_by_its_bytes() {
        let Err(Error::BadConfig { pointer, message }) = KeyedHash::new("fifteen bytes!!") else {
            panic!("15 bytes are too few");
        };
        assert_eq!(pointer, "/key");
        assert!(message.starts_with("has 15 bytes") && !message.contains("fifteen"));
        assert!(KeyedHash::new("ääääääää").is_ok(), "16 bytes of 8 characters");
    }
}
