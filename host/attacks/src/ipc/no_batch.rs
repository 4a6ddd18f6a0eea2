//! A schema, and no batch.

use super::plain;

pub fn stream() -> Vec<u8> {
    plain(&[])
}
