//! Repeats the first row as often as it may: few bytes leave the guest, and for each of them the host would
//! copy that row's values once more.

use wasmill_plugin_sdk::bindings::transform::{Processed, Selection};

use crate::honest::{Answer, Input};

/// The host's default limit of output rows per input row.
const REPEATS: usize = 1_000;

pub fn lie(mut answer: Answer, input: &Input) -> Processed {
    answer.rows = Selection::Indices(vec![0; REPEATS * input.values.len()]);
    answer.into_processed()
}
