//! Reports a row that does not exist.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::{Answer, Input, finding};

pub fn lie(mut answer: Answer, input: &Input) -> Processed {
    answer.bad_rows.push(finding(vec![input.rows()]));
    answer.into_processed()
}
