//! Refuses no row, for a reason.

use wasmill_plugin_sdk::bindings::types::Finding;

use crate::honest::finding;

pub fn lie() -> Vec<Finding> {
    vec![finding(Vec::new())]
}
