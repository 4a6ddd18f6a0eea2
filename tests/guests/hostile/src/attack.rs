//! The names of the attacks.

use wasmill_plugin_sdk::config;

/// Which attack to make.
#[config]
pub struct HostileConfig {
    pub attack: Attack,
}

/// Each is explained in the file of its name.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    None,
    Abort,
    Allocate,
    Amplify,
    BadUtf8,
    BitmapSize,
    BrokenCharacter,
    DetachedKeep,
    Exit,
    FieldsMissing,
    FindingOutOfRange,
    FindingSelected,
    FindingUnordered,
    FinishAttached,
    GrowAtOnce,
    HugeMessage,
    HugeOutput,
    IndexOutOfRange,
    KeepMissing,
    LogFlood,
    OddBuffers,
    OffsetsBeyond,
    OffsetsDescending,
    OtherEncoding,
    Poison,
    PrintFlood,
    ReadMissing,
    Recurse,
    SameNameTwice,
    SilentLogFlood,
    Sleep,
    Spin,
    TooFewColumns,
    TooManyNodes,
    TooManyOutputs,
    TooManyRows,
    Trap,
    ValiditySize,
    WrongLength,
    WrongType,
}
