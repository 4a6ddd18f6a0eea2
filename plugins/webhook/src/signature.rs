//! Signatures: HMAC-SHA256 (RFC 2104) over timestamp and body, so that neither can be changed alone.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wasmill_plugin_sdk::prelude::*;

/// The fewest bytes of a secret that are accepted.
const MIN_SECRET_BYTES: usize = 16;

/// Signs under one secret.
pub struct Signer {
    keyed: Hmac<Sha256>,
}

impl Signer {
    /// # Errors
    ///
    /// [`Error::BadConfig`] at `/secret` where it is shorter than 16 bytes. No error tells the secret.
    pub fn new(secret: &str) -> Result<Self> {
        if secret.len() < MIN_SECRET_BYTES {
            let message = format!(
                "has {} bytes; at least {MIN_SECRET_BYTES} are needed, best 32 random ones",
                secret.len()
            );
            return Err(Error::bad_config("/secret", message));
        }
        let keyed = Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
        Ok(Self { keyed })
    }

    /// `v1=` and the HMAC of `TIMESTAMP.BODY` in hexadecimal. A later scheme will have another name than `v1`.
    pub fn signature(&self, timestamp: u64, body: &[u8]) -> String {
        let mut mac = self.keyed.clone();
        mac.update(timestamp.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        let digits =
            mac.finalize().into_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
        "v1=".chars().chain(digits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by another implementation, Python's `hmac`.
    #[test]
    fn known_answer() {
        let signer = Signer::new("correct horse battery staple").unwrap();
        assert_eq!(
            signer.signature(1767191400, br#"{"id":"1"}"#),
            "v1=a2608e9088dcc90f2a277cc91ba620c1f2a65b8c8d1d3b0815368007cce9867e"
        );
    }

    #[test]
    fn timestamp_and_body_count() {
        let signer = Signer::new("0123456789abcdef").unwrap();
        let signature = signer.signature(17, b"body");
        assert_ne!(signature, signer.signature(18, b"body"));
        assert_ne!(signature, signer.signature(17, b"bodY"));
        assert_ne!(signature, Signer::new("0123456789abcdeg").unwrap().signature(17, b"body"));
    }

    #[test]
    fn a_short_secret_is_refused_by_its_bytes() {
        let Err(Error::BadConfig { pointer, message }) = Signer::new("fifteen bytes!!") else {
            panic!("15 bytes are too few");
        };
        assert_eq!(pointer, "/secret");
        assert!(message.starts_with("has 15 bytes") && !message.contains("fifteen"));
    }
}
