//! A row less than was said.

use super::{plain, rows};

pub fn stream() -> Vec<u8> {
    plain(&[rows(19)])
}
