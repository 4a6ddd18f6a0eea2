//! The names of the lies that only an extractor can tell.

use serde::Deserialize;

/// Each is explained in the file of its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attack {
    #[default]
    None,
    BadRecordEscapes,
    BadRecordsFlood,
    ChildrenMissing,
    ColumnsFlood,
    CursorEscapes,
    CursorLong,
    DecimalBeyond,
    DecimalImpossible,
    FixedSizeHuge,
    IpcPayload,
    JsonColumns,
    JsonDeep,
    JsonEnvelope,
    JsonKeys,
    JsonList,
    JsonNot,
    JsonNumbers,
    JsonRows,
    JsonTokens,
    JsonTwice,
    MetadataFlood,
    NameLong,
    NamesTwice,
    NestedDeep,
    NodesFlood,
    NodesMissing,
    RowsBeyond,
    RowsCounted,
    RowsNever,
    SplitLong,
    SplitsFlood,
    SplitsTotal,
    SplitsTwice,
    ValuesExtreme,
    ZoneUnknown,
}
