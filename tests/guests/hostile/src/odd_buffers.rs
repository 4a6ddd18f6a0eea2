//! Returns buffers with a byte more than they need, which is allowed, and leaves a part of an offset and of a
//! value at their ends.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    answer.label.offsets.push(0xff);
    answer.double.values.push(0xff);
    answer.into_processed()
}
