//! The rows twice.

use super::{plain, rows};

pub fn stream() -> Vec<u8> {
    plain(&[rows(20), rows(20)])
}
