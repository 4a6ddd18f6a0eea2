//! Returns a selection bitmap of no bits.

use wasmill_plugin_sdk::bindings::transform::{Processed, Selection};

use crate::honest::Answer;

pub fn lie(mut answer: Answer) -> Processed {
    answer.rows = Selection::Bitmap(Vec::new());
    answer.into_processed()
}
