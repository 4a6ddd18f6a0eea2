//! Selects a row that does not exist.

use wasmill_plugin_sdk::bindings::transform::{Processed, Selection};

use crate::honest::{Answer, Input};

pub fn lie(mut answer: Answer, input: &Input) -> Processed {
    answer.rows = Selection::Indices(vec![0, input.rows()]);
    answer.into_processed()
}
