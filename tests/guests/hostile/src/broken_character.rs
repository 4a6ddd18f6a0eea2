//! Returns bytes that are UTF-8 as a whole, with an offset in the middle of a character.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::{Answer, Input};

pub fn lie(mut answer: Answer, input: &Input) -> Processed {
    // One byte per row, so with at least two rows each `é` is cut in two.
    answer.label.values = "é".repeat(input.values.len().div_ceil(2)).into_bytes();
    answer.into_processed()
}
