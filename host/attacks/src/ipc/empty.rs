//! Nothing at all.

pub fn stream() -> Vec<u8> {
    Vec::new()
}
