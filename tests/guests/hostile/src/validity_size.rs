//! Returns a bitmap of nulls with too few bits.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    // One byte is enough for eight rows.
    answer.double.validity = vec![0xff];
    answer.into_processed()
}
