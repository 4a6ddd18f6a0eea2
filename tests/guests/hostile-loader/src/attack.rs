//! The names of the lies that only a loader can tell.

use serde::Deserialize;

/// Each is explained in the file of its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    #[default]
    None,
    ReadMissing,
    ReceiptLong,
    ReceiptRows,
    ReceiptShort,
    RefuseFlood,
    RefuseNothing,
    RefuseOutOfRange,
    RefuseUnordered,
}
