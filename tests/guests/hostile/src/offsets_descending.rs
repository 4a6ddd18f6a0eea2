//! Returns text whose offsets fall.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    let second = size_of::<i32>()..2 * size_of::<i32>();
    answer.label.offsets[second].copy_from_slice(&2_i32.to_le_bytes());
    let third = 2 * size_of::<i32>()..3 * size_of::<i32>();
    answer.label.offsets[third].copy_from_slice(&1_i32.to_le_bytes());
    answer.into_processed()
}
