//! Gives two splits one id: rows of one would be taken for those of the other.

use wasmill_plugin_sdk::bindings::extract::Split;

use crate::honest::split;

pub fn lie() -> Vec<Split> {
    vec![split("same"), split("same")]
}
