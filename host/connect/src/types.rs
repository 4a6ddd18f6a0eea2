//! Names of column types as people write them in a pipeline file.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use indexmap::IndexMap;

/// Columns with the types that a pipeline file gives them, in its order.
pub type DeclaredTypes = IndexMap<String, String>;

const NAMES: &str = "boolean, int8 to int64, uint8 to uint64, float32, float64, utf8, binary, date, \
                     timestamp, timestamp(ZONE), decimal(PRECISION, SCALE)";

/// A name that stands for no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no type; there are {NAMES}")]
pub struct UnknownType(pub String);

/// The type that a name stands for.
pub fn parse_type(name: &str) -> Result<DataType, UnknownType> {
    let unknown = || UnknownType(name.to_owned());
    let (base, parameters) = match name.trim().split_once('(') {
        Some((base, rest)) => (base.trim(), Some(rest.strip_suffix(')').ok_or_else(unknown)?)),
        None => (name.trim(), None),
    };
    Ok(match (base.to_ascii_lowercase().as_str(), parameters) {
        ("boolean" | "bool", None) => DataType::Boolean,
        ("int8", None) => DataType::Int8,
        ("int16", None) => DataType::Int16,
        ("int32" | "int", None) => DataType::Int32,
        ("int64" | "bigint", None) => DataType::Int64,
        ("uint8", None) => DataType::UInt8,
        ("uint16", None) => DataType::UInt16,
        ("uint32", None) => DataType::UInt32,
        ("uint64", None) => DataType::UInt64,
        ("float32" | "float", None) => DataType::Float32,
        ("float64" | "double", None) => DataType::Float64,
        ("utf8" | "string" | "text", None) => DataType::Utf8,
        ("binary", None) => DataType::Binary,
        ("date" | "date32", None) => DataType::Date32,
        ("timestamp", None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        ("timestamp", Some(zone)) => {
            let zone = zone.trim();
            zone.parse::<arrow::array::timezone::Tz>().map_err(|_| unknown())?;
            DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from(zone)))
        }
        ("decimal", Some(parameters)) => {
            let (precision, scale) = parameters.split_once(',').ok_or_else(unknown)?;
            let precision: u8 = precision.trim().parse().map_err(|_| unknown())?;
            let scale: i8 = scale.trim().parse().map_err(|_| unknown())?;
            if !(1..=38).contains(&precision) || scale < 0 || scale as u8 > precision {
                return Err(unknown());
            }
            DataType::Decimal128(precision, scale)
        }
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_types() {
        let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        for (name, expected) in [
            ("int64", DataType::Int64),
            ("Utf8", DataType::Utf8),
            (" date ", DataType::Date32),
            ("timestamp(UTC)", utc),
            ("decimal(12, 2)", DataType::Decimal128(12, 2)),
        ] {
            assert_eq!(parse_type(name), Ok(expected), "{name}");
        }
        for name in
            ["", "integer64", "decimal", "decimal(2, 12)", "decimal(99,1)", "timestamp(Mars/Base)"]
        {
            assert!(parse_type(name).is_err(), "{name}");
        }
    }
}
