//! Traps on batches that hold the value 13, and on no others.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::{Answer, Input};

pub fn lie(answer: Answer, input: &Input) -> Processed {
    assert!(!input.values.contains(&13), "13 is bad luck");
    answer.into_processed()
}
