//! Returns a thousand rows for each input row, or as many as it is told, and one more.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::transform::{Processed, Selection};

use crate::honest::{Answer, Input};

pub fn lie(mut answer: Answer, input: &Input, order: &Order) -> Processed {
    answer.rows = Selection::Indices(vec![0; order.size(1_000) * input.values.len() + 1]);
    answer.into_processed()
}
