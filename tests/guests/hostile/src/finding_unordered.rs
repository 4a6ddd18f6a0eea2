//! Reports rows twice and out of order, so that counts would come out wrong.

use wasmill_plugin_sdk::bindings::transform::{Processed, Selection};

use crate::honest::{Answer, finding};

pub fn lie(mut answer: Answer) -> Processed {
    answer.rows = Selection::Indices(Vec::new());
    answer.bad_rows.push(finding(vec![1, 0, 1]));
    answer.into_processed()
}
