//! Grows its memory by a gigabyte in one step.

pub fn strike() {
    std::hint::black_box(Vec::<u8>::with_capacity(1 << 30));
}
