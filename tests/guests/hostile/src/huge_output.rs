//! Returns a column with a great deal of text that no offset refers to.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::Answer;

pub fn lie(mut answer: Answer, order: &Order) -> Processed {
    answer.label.values.resize(order.size(32 << 20), b'x');
    answer.into_processed()
}
