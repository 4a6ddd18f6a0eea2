//! Allocates without end, a little at a time.

pub fn strike() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1_u8; 64 << 10]));
    }
}
