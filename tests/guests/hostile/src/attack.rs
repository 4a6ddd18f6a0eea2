//! The names of the lies that only a transformer can tell.

use serde::Deserialize;

/// Each is explained in the file of its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    #[default]
    None,
    Amplify,
    BadUtf8,
    BitmapSize,
    BrokenCharacter,
    DescribeArray,
    DescribeDeep,
    DescribeEscapes,
    DescribeHuge,
    DescribeNotJson,
    DetachedCount,
    DetachedKeep,
    FieldsMissing,
    FindingOutOfRange,
    FindingSelected,
    FindingUnordered,
    FinishAttached,
    FinishExplodes,
    HugeBinding,
    HugeOutput,
    IndexOutOfRange,
    JsonExplodes,
    KeepMissing,
    KeyMissing,
    NullExplodes,
    OddBuffers,
    OffsetsBeyond,
    OffsetsDescending,
    OtherEncoding,
    Poison,
    ReadMissing,
    ReadTwice,
    SameNameTwice,
    TooFewColumns,
    TooManyFindings,
    TooManyNodes,
    TooManyOutputs,
    TooManyRows,
    ValiditySize,
    WrongLength,
    WrongType,
}
