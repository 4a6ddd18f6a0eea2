//! Reports one row bad, a great many times.

use hostile_anywhere::Order;
use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::{Answer, finding};

pub fn lie(mut answer: Answer, order: &Order) -> Processed {
    answer.bad_rows = (0..order.size(100_001)).map(|_| finding(vec![0])).collect();
    answer.into_processed()
}
