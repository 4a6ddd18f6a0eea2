//! Returns batches without rows, and never comes to an end.

use wasmill_plugin_sdk::bindings::extract::Extracted;

use crate::honest::extracted;

pub fn lie() -> Extracted {
    extracted(0)
}
