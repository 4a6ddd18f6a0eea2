//! Arrow schemas in the terms of the contract, both ways.
//!
//! A schema crosses as a flat pre-order list of fields, because WIT has no recursive types. Outbound
//! conversion refuses types that do not cross, by name; inbound conversion treats the list as hostile:
//! counts, depths, sizes, precisions and zone names are checked before Arrow sees them.
//!
//! Views cross as their plain counterparts ([`crossing_type`]); [`crate::lower`] casts the arrays likewise.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::datatypes::{
    DataType, Field, FieldRef, IntervalUnit, Schema, TimeUnit, validate_decimal_precision_and_scale,
};
use arrow::datatypes::{Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type};

use crate::bindings::types as wit;

/// How many fields, nested ones included, a plugin may declare.
pub const MAX_FIELDS: usize = 4_096;
/// How deep a plugin may nest types.
pub const MAX_DEPTH: usize = 32;
/// How many metadata entries a plugin may hang on one field: each batch carries them along.
pub const MAX_METADATA_ENTRIES: usize = 256;
/// How long a plugin may make a name or a metadata entry, in bytes.
pub const MAX_NAME_BYTES: usize = 1_024;
/// How large a plugin may make a `fixed-size-binary` or `fixed-size-list`.
pub const MAX_FIXED_SIZE: u32 = 1 << 20;

/// A column whose type cannot cross the boundary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` has the type {data_type}, which does not cross into a plugin")]
pub struct UnsupportedType {
    /// The top-level column.
    pub column: String,
    /// The type in Arrow's notation; the nested type at fault, where it is one.
    pub data_type: DataType,
}

/// A schema that a plugin returned and that is no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaBreach {
    #[error("more than {MAX_FIELDS} fields")]
    TooManyFields,
    #[error("field `{field}` is nested deeper than {MAX_DEPTH} levels")]
    TooDeep { field: String },
    #[error("a name or metadata entry of {bytes} bytes: the limit is {MAX_NAME_BYTES}")]
    NameTooLong { bytes: usize },
    #[error("field `{field}` has {entries} metadata entries: the limit is {MAX_METADATA_ENTRIES}")]
    TooMuchMetadata { field: String, entries: usize },
    #[error("field `{field}` announces more children than follow it")]
    MissingChildren { field: String },
    #[error("{count} fields follow the last one that is announced")]
    TrailingFields { count: usize },
    #[error("field `{field}` has {actual} children where its type has {expected}")]
    ChildCount { field: String, expected: usize, actual: usize },
    #[error("field `{field}`: {message}")]
    InvalidType { field: String, message: String },
    #[error("two columns are named `{name}`")]
    DuplicateName { name: String },
}

/// The type as which a column crosses: the same, except that views become their plain counterparts.
///
/// Returns the nested type at fault when it does not cross.
pub fn crossing_type(data_type: &DataType) -> Result<DataType, DataType> {
    let crossing_field = |field: &FieldRef| -> Result<FieldRef, DataType> {
        Ok(Arc::new(field.as_ref().clone().with_data_type(crossing_type(field.data_type())?)))
    };
    Ok(match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => return Err(data_type.clone()),
        DataType::List(item) => DataType::List(crossing_field(item)?),
        DataType::LargeList(item) => DataType::LargeList(crossing_field(item)?),
        DataType::FixedSizeList(item, size) => {
            DataType::FixedSizeList(crossing_field(item)?, *size)
        }
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(crossing_field).collect::<Result<_, _>>()?)
        }
        DataType::Map(entries, sorted) => DataType::Map(crossing_field(entries)?, *sorted),
        DataType::Dictionary(key, value) => {
            DataType::Dictionary(key.clone(), Box::new(crossing_type(value)?))
        }
        plain => plain.clone(),
    })
}

/// A schema as a plugin sees it, whole, whether or not each column crosses.
///
/// Columns that cannot cross are shown as `null`: a plugin may keep them, not read them. Reading is
/// refused when it binds ([`crate::binding`]).
pub fn to_wit(schema: &Schema) -> wit::Schema {
    let mut fields = Vec::new();
    for field in schema.fields() {
        push_field(field, &mut fields);
    }
    wit::Schema { fields }
}

fn push_field(field: &Field, fields: &mut Vec<wit::Field>) {
    let crossing = crossing_type(field.data_type()).unwrap_or(DataType::Null);
    let (data_type, children) = type_to_wit(&crossing);
    let mut metadata: Vec<(String, String)> =
        field.metadata().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    metadata.sort();
    fields.push(wit::Field {
        name: field.name().clone(),
        data_type,
        nullable: field.is_nullable(),
        children: children.len() as u32,
        metadata,
    });
    for child in &children {
        push_field(child, fields);
    }
}

/// The contract's name of a crossing type, and the children to list after it.
fn type_to_wit(data_type: &DataType) -> (wit::DataType, Vec<FieldRef>) {
    let flat = |data_type| (data_type, Vec::new());
    match data_type {
        DataType::Null => flat(wit::DataType::Null),
        DataType::Boolean => flat(wit::DataType::Boolean),
        DataType::Int8 => flat(wit::DataType::Int8),
        DataType::Int16 => flat(wit::DataType::Int16),
        DataType::Int32 => flat(wit::DataType::Int32),
        DataType::Int64 => flat(wit::DataType::Int64),
        DataType::UInt8 => flat(wit::DataType::Uint8),
        DataType::UInt16 => flat(wit::DataType::Uint16),
        DataType::UInt32 => flat(wit::DataType::Uint32),
        DataType::UInt64 => flat(wit::DataType::Uint64),
        DataType::Float16 => flat(wit::DataType::Float16),
        DataType::Float32 => flat(wit::DataType::Float32),
        DataType::Float64 => flat(wit::DataType::Float64),
        DataType::Utf8 => flat(wit::DataType::Utf8),
        DataType::LargeUtf8 => flat(wit::DataType::LargeUtf8),
        DataType::Binary => flat(wit::DataType::Binary),
        DataType::LargeBinary => flat(wit::DataType::LargeBinary),
        DataType::FixedSizeBinary(size) => flat(wit::DataType::FixedSizeBinary(*size as u32)),
        DataType::Date32 => flat(wit::DataType::Date32),
        DataType::Date64 => flat(wit::DataType::Date64),
        DataType::Time32(unit) => flat(wit::DataType::Time32(unit_to_wit(unit))),
        DataType::Time64(unit) => flat(wit::DataType::Time64(unit_to_wit(unit))),
        DataType::Timestamp(unit, zone) => flat(wit::DataType::Timestamp(wit::TimestampType {
            unit: unit_to_wit(unit),
            zone: zone.as_ref().map(ToString::to_string),
        })),
        DataType::Duration(unit) => flat(wit::DataType::Duration(unit_to_wit(unit))),
        DataType::Interval(unit) => flat(wit::DataType::Interval(match unit {
            IntervalUnit::YearMonth => wit::IntervalUnit::YearMonth,
            IntervalUnit::DayTime => wit::IntervalUnit::DayTime,
            IntervalUnit::MonthDayNano => wit::IntervalUnit::MonthDayNano,
        })),
        DataType::Decimal32(precision, scale) => flat(wit::DataType::Decimal32(wit::DecimalType {
            precision: *precision,
            scale: *scale,
        })),
        DataType::Decimal64(precision, scale) => flat(wit::DataType::Decimal64(wit::DecimalType {
            precision: *precision,
            scale: *scale,
        })),
        DataType::Decimal128(precision, scale) => {
            flat(wit::DataType::Decimal128(wit::DecimalType {
                precision: *precision,
                scale: *scale,
            }))
        }
        DataType::Decimal256(precision, scale) => {
            flat(wit::DataType::Decimal256(wit::DecimalType {
                precision: *precision,
                scale: *scale,
            }))
        }
        DataType::List(item) => (wit::DataType::List, vec![item.clone()]),
        DataType::LargeList(item) => (wit::DataType::LargeList, vec![item.clone()]),
        DataType::FixedSizeList(item, size) => {
            (wit::DataType::FixedSizeList(*size as u32), vec![item.clone()])
        }
        DataType::Struct(fields) => (wit::DataType::Struct, fields.to_vec()),
        DataType::Map(entries, sorted) => (wit::DataType::Map(*sorted), vec![entries.clone()]),
        DataType::Dictionary(key, value) => (
            wit::DataType::Dictionary(index_to_wit(key)),
            vec![Arc::new(Field::new("values", value.as_ref().clone(), true))],
        ),
        DataType::Utf8View
        | DataType::BinaryView
        | DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => unreachable!("`crossing_type` leaves none of these"),
    }
}

fn unit_to_wit(unit: &TimeUnit) -> wit::TimeUnit {
    match unit {
        TimeUnit::Second => wit::TimeUnit::Second,
        TimeUnit::Millisecond => wit::TimeUnit::Millisecond,
        TimeUnit::Microsecond => wit::TimeUnit::Microsecond,
        TimeUnit::Nanosecond => wit::TimeUnit::Nanosecond,
    }
}

fn index_to_wit(key: &DataType) -> wit::IndexType {
    match key {
        DataType::Int8 => wit::IndexType::Int8,
        DataType::Int16 => wit::IndexType::Int16,
        DataType::Int32 => wit::IndexType::Int32,
        DataType::Int64 => wit::IndexType::Int64,
        DataType::UInt8 => wit::IndexType::Uint8,
        DataType::UInt16 => wit::IndexType::Uint16,
        DataType::UInt32 => wit::IndexType::Uint32,
        _ => wit::IndexType::Uint64,
    }
}

/// Fields that a plugin declared, checked: the top-level fields of a schema.
pub fn from_wit(fields: Vec<wit::Field>) -> Result<Vec<FieldRef>, SchemaBreach> {
    if fields.len() > MAX_FIELDS {
        return Err(SchemaBreach::TooManyFields);
    }
    let mut rest = fields.into_iter();
    let mut top_level = Vec::new();
    while let Some(field) = rest.next() {
        top_level.push(take_field(field, &mut rest, 0)?);
    }
    Ok(top_level)
}

/// The one field, with its descendants, that a plugin declared for one output column.
pub fn one_from_wit(fields: Vec<wit::Field>) -> Result<FieldRef, SchemaBreach> {
    let mut top_level = from_wit(fields)?;
    match (top_level.len(), top_level.pop()) {
        (1, Some(field)) => Ok(field),
        (0, _) => Err(SchemaBreach::MissingChildren { field: String::from("(new column)") }),
        (count, _) => Err(SchemaBreach::TrailingFields { count: count - 1 }),
    }
}

/// Refuses a schema in which two columns share a name.
pub fn unique_names(fields: &[FieldRef]) -> Result<(), SchemaBreach> {
    let mut seen = std::collections::HashSet::new();
    match fields.iter().find(|field| !seen.insert(field.name().as_str())) {
        Some(field) => Err(SchemaBreach::DuplicateName { name: field.name().clone() }),
        None => Ok(()),
    }
}

fn take_field(
    field: wit::Field,
    rest: &mut std::vec::IntoIter<wit::Field>,
    depth: usize,
) -> Result<FieldRef, SchemaBreach> {
    let longest = field
        .metadata
        .iter()
        .flat_map(|(key, value)| [key.len(), value.len()])
        .chain([field.name.len()])
        .max()
        .unwrap_or(0);
    if longest > MAX_NAME_BYTES {
        return Err(SchemaBreach::NameTooLong { bytes: longest });
    }
    if field.metadata.len() > MAX_METADATA_ENTRIES {
        let entries = field.metadata.len();
        return Err(SchemaBreach::TooMuchMetadata { field: field.name, entries });
    }
    if depth >= MAX_DEPTH {
        return Err(SchemaBreach::TooDeep { field: field.name });
    }
    if field.children as usize > rest.len() {
        return Err(SchemaBreach::MissingChildren { field: field.name });
    }
    let mut children = Vec::with_capacity(field.children as usize);
    for _ in 0..field.children {
        let Some(child) = rest.next() else {
            return Err(SchemaBreach::MissingChildren { field: field.name });
        };
        children.push(take_field(child, rest, depth + 1)?);
    }
    let data_type = type_from_wit(&field.name, field.data_type, children)?;
    let metadata: HashMap<String, String> = field.metadata.into_iter().collect();
    Ok(Arc::new(Field::new(field.name, data_type, field.nullable).with_metadata(metadata)))
}

fn type_from_wit(
    field: &str,
    data_type: wit::DataType,
    children: Vec<FieldRef>,
) -> Result<DataType, SchemaBreach> {
    let invalid = |message: String| SchemaBreach::InvalidType { field: field.to_owned(), message };
    let expected_children = match data_type {
        wit::DataType::Struct => children.len(),
        wit::DataType::List
        | wit::DataType::LargeList
        | wit::DataType::FixedSizeList(_)
        | wit::DataType::Map(_)
        | wit::DataType::Dictionary(_) => 1,
        _ => 0,
    };
    if children.len() != expected_children {
        return Err(SchemaBreach::ChildCount {
            field: field.to_owned(),
            expected: expected_children,
            actual: children.len(),
        });
    }
    let only_child = || children[0].clone();
    let fixed_size = |size: u32| match size {
        1..=MAX_FIXED_SIZE => Ok(size as i32),
        _ => Err(invalid(format!("a size of {size}; 1 to {MAX_FIXED_SIZE} is possible"))),
    };
    Ok(match data_type {
        wit::DataType::Null => DataType::Null,
        wit::DataType::Boolean => DataType::Boolean,
        wit::DataType::Int8 => DataType::Int8,
        wit::DataType::Int16 => DataType::Int16,
        wit::DataType::Int32 => DataType::Int32,
        wit::DataType::Int64 => DataType::Int64,
        wit::DataType::Uint8 => DataType::UInt8,
        wit::DataType::Uint16 => DataType::UInt16,
        wit::DataType::Uint32 => DataType::UInt32,
        wit::DataType::Uint64 => DataType::UInt64,
        wit::DataType::Float16 => DataType::Float16,
        wit::DataType::Float32 => DataType::Float32,
        wit::DataType::Float64 => DataType::Float64,
        wit::DataType::Utf8 => DataType::Utf8,
        wit::DataType::LargeUtf8 => DataType::LargeUtf8,
        wit::DataType::Binary => DataType::Binary,
        wit::DataType::LargeBinary => DataType::LargeBinary,
        wit::DataType::FixedSizeBinary(size) => DataType::FixedSizeBinary(fixed_size(size)?),
        wit::DataType::Date32 => DataType::Date32,
        wit::DataType::Date64 => DataType::Date64,
        wit::DataType::Time32(unit) => match unit {
            wit::TimeUnit::Second | wit::TimeUnit::Millisecond => {
                DataType::Time32(unit_from_wit(unit))
            }
            _ => return Err(invalid("time32 counts seconds or milliseconds".to_owned())),
        },
        wit::DataType::Time64(unit) => match unit {
            wit::TimeUnit::Microsecond | wit::TimeUnit::Nanosecond => {
                DataType::Time64(unit_from_wit(unit))
            }
            _ => return Err(invalid("time64 counts microseconds or nanoseconds".to_owned())),
        },
        wit::DataType::Timestamp(timestamp) => {
            if let Some(zone) = &timestamp.zone
                && (zone.len() > MAX_NAME_BYTES || zone.parse::<Tz>().is_err())
            {
                return Err(invalid(
                    "a time zone that is neither a known name nor an offset".to_owned(),
                ));
            }
            DataType::Timestamp(unit_from_wit(timestamp.unit), timestamp.zone.map(Arc::from))
        }
        wit::DataType::Duration(unit) => DataType::Duration(unit_from_wit(unit)),
        wit::DataType::Interval(unit) => DataType::Interval(match unit {
            wit::IntervalUnit::YearMonth => IntervalUnit::YearMonth,
            wit::IntervalUnit::DayTime => IntervalUnit::DayTime,
            wit::IntervalUnit::MonthDayNano => IntervalUnit::MonthDayNano,
        }),
        wit::DataType::Decimal32(decimal) => {
            validate_decimal_precision_and_scale::<Decimal32Type>(decimal.precision, decimal.scale)
                .map_err(|error| invalid(error.to_string()))?;
            DataType::Decimal32(decimal.precision, decimal.scale)
        }
        wit::DataType::Decimal64(decimal) => {
            validate_decimal_precision_and_scale::<Decimal64Type>(decimal.precision, decimal.scale)
                .map_err(|error| invalid(error.to_string()))?;
            DataType::Decimal64(decimal.precision, decimal.scale)
        }
        wit::DataType::Decimal128(decimal) => {
            validate_decimal_precision_and_scale::<Decimal128Type>(
                decimal.precision,
                decimal.scale,
            )
            .map_err(|error| invalid(error.to_string()))?;
            DataType::Decimal128(decimal.precision, decimal.scale)
        }
        wit::DataType::Decimal256(decimal) => {
            validate_decimal_precision_and_scale::<Decimal256Type>(
                decimal.precision,
                decimal.scale,
            )
            .map_err(|error| invalid(error.to_string()))?;
            DataType::Decimal256(decimal.precision, decimal.scale)
        }
        wit::DataType::List => DataType::List(only_child()),
        wit::DataType::LargeList => DataType::LargeList(only_child()),
        wit::DataType::FixedSizeList(size) => {
            DataType::FixedSizeList(only_child(), fixed_size(size)?)
        }
        wit::DataType::Struct => DataType::Struct(children.into()),
        wit::DataType::Map(sorted) => {
            let entries = only_child();
            match entries.data_type() {
                DataType::Struct(pair)
                    if pair.len() == 2 && !entries.is_nullable() && !pair[0].is_nullable() => {}
                _ => {
                    return Err(invalid(
                        "a map's child is a non-null struct of a non-null key and a value"
                            .to_owned(),
                    ));
                }
            }
            DataType::Map(entries, sorted)
        }
        wit::DataType::Dictionary(key) => {
            let values = only_child();
            if matches!(values.data_type(), DataType::Dictionary(..))
                || values.data_type().is_nested()
            {
                return Err(invalid("a dictionary's values are flat".to_owned()));
            }
            DataType::Dictionary(
                Box::new(index_from_wit(key)),
                Box::new(values.data_type().clone()),
            )
        }
    })
}

fn unit_from_wit(unit: wit::TimeUnit) -> TimeUnit {
    match unit {
        wit::TimeUnit::Second => TimeUnit::Second,
        wit::TimeUnit::Millisecond => TimeUnit::Millisecond,
        wit::TimeUnit::Microsecond => TimeUnit::Microsecond,
        wit::TimeUnit::Nanosecond => TimeUnit::Nanosecond,
    }
}

fn index_from_wit(key: wit::IndexType) -> DataType {
    match key {
        wit::IndexType::Int8 => DataType::Int8,
        wit::IndexType::Int16 => DataType::Int16,
        wit::IndexType::Int32 => DataType::Int32,
        wit::IndexType::Int64 => DataType::Int64,
        wit::IndexType::Uint8 => DataType::UInt8,
        wit::IndexType::Uint16 => DataType::UInt16,
        wit::IndexType::Uint32 => DataType::UInt32,
        wit::IndexType::Uint64 => DataType::UInt64,
    }
}
