//! Refuses a row that does not exist.

use wasmill_plugin_sdk::bindings::types::Finding;

use crate::honest::finding;

pub fn lie() -> Vec<Finding> {
    vec![finding(vec![u32::MAX])]
}
