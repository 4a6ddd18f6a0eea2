//! A batch of which half is missing.

use super::{plain, rows};

pub fn stream() -> Vec<u8> {
    let mut stream = plain(&[rows(20)]);
    stream.truncate(stream.len() - 100);
    stream
}
