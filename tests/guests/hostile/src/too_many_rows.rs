//! Returns a thousand rows for each input row, and one more.

use wasmill_plugin_sdk::bindings::transform::{Processed, Selection};

use crate::honest::{Answer, Input};

pub fn lie(mut answer: Answer, input: &Input) -> Processed {
    answer.rows = Selection::Indices(vec![0; 1_000 * input.values.len() + 1]);
    answer.into_processed()
}
