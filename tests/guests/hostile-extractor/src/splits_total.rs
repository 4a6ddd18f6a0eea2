//! Gives splits that say how much they hold: more in sum than can be counted.

use wasmill_plugin_sdk::bindings::extract::Split;

use crate::honest::split;

pub fn lie() -> Vec<Split> {
    let most = |id| Split { rows: Some(u64::MAX), bytes: Some(u64::MAX), ..split(id) };
    vec![most("first"), most("second")]
}
