//! A stream of which every eighth byte was changed, beyond the first length.

use super::{plain, rows};

pub fn stream() -> Vec<u8> {
    let mut stream = plain(&[rows(20)]);
    stream.iter_mut().skip(13).step_by(8).for_each(|byte| *byte ^= 0x55);
    stream
}
