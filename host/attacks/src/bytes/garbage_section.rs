//! Carries sixteen mebibytes that mean nothing.

use std::borrow::Cow;

use wasm_encoder::CustomSection;
use wasmill_sandbox::limits::Limits;

use super::base::with_section;

pub fn component(honest: &[u8], _limits: &Limits) -> Vec<u8> {
    // A congruential generator is garbage enough, and the same each time.
    let mut state = 1_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    });
    let data: Vec<u8> = bytes.take(16 << 20).collect();
    with_section(honest, &CustomSection { name: Cow::Borrowed("garbage"), data: Cow::Owned(data) })
}
