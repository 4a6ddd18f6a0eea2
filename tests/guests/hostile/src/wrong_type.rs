//! Returns int32 values in a column that was declared int64.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    let half = answer.double.values.len() / 2;
    answer.double.values.truncate(half);
    answer.into_processed()
}
