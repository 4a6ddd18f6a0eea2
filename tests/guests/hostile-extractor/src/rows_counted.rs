//! Says that there are four billion rows, and returns a few.

use wasmill_plugin_sdk::bindings::extract::Extracted;

pub fn lie(extracted: Extracted) -> Extracted {
    Extracted { rows: u32::MAX, ..extracted }
}
