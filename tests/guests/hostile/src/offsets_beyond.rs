//! Returns text whose last offset lies beyond its bytes.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    let last = answer.label.offsets.len() - size_of::<i32>();
    answer.label.offsets[last..].copy_from_slice(&i32::MAX.to_le_bytes());
    answer.into_processed()
}
