//! Returns a column with one value less than there are rows.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    answer.double.length -= 1;
    answer.into_processed()
}
