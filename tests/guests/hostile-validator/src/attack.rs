//! The names of the lies that only a validator can tell.

use serde::Deserialize;

/// Each is explained in the file of its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    #[default]
    None,
    ConclusionExtremes,
    ConclusionFlood,
    HugePartial,
    HugeState,
    ReadFlood,
    ReadMissing,
    ViolationEscapes,
    ViolationFlood,
    ViolationOfNothing,
    ViolationOutOfRange,
    ViolationUnordered,
}
