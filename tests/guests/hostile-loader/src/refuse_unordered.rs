//! Refuses rows out of order, one of them twice.

use wasmill_plugin_sdk::bindings::types::Finding;

use crate::honest::finding;

pub fn lie() -> Vec<Finding> {
    vec![finding(vec![3, 1, 1])]
}
