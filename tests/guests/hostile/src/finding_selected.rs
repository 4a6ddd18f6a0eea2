//! Reports a row as bad and passes it on all the same.

use wasmill_plugin_sdk::bindings::transform::Processed;

use crate::honest::{Answer, finding};

pub fn lie(mut answer: Answer) -> Processed {
    answer.bad_rows.push(finding(vec![0]));
    answer.into_processed()
}
