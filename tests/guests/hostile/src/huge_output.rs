//! Returns a column with 32 MiB of text that no offset refers to.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    answer.label.values.resize(32 << 20, b'x');
    answer.into_processed()
}
