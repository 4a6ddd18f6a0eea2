//! Returns a row more than it was asked for.

use wasmill_plugin_sdk::bindings::extract::Extracted;

use crate::honest::extracted;

pub fn lie(max_rows: u32) -> Extracted {
    extracted(max_rows + 1)
}
