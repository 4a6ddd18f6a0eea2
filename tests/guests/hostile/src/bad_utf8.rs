//! Returns text that is not UTF-8.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    answer.label.values[0] = 0xff;
    answer.into_processed()
}
