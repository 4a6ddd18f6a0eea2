//! Guest to host: nodes that a plugin returned, checked, as Arrow arrays.
//!
//! Everything here is hostile until proven otherwise. What comes out of [`lift_column`] is an array
//! that satisfies all of Arrow's invariants for exactly the type and length that were asked for:
//! buffer sizes, offsets that start at 0, never fall and stay in range, UTF-8 on every boundary, dictionary keys in
//! range, decimals within their precision, no nulls where the schema has none.

use arrow::array::{
    Array, ArrayData, ArrayRef, Decimal32Array, Decimal64Array, Decimal128Array, Decimal256Array,
    downcast_array, make_array,
};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;

use crate::bindings::types::Node;

/// A column that a plugin returned and that is no column of the type it had announced.
#[derive(Debug, thiserror::Error)]
pub enum ColumnBreach {
    #[error("column `{column}`: {actual} values where {expected} rows need one each")]
    Length { column: String, expected: usize, actual: usize },
    #[error("column `{column}`: fewer nodes than its type {data_type} has")]
    MissingNodes { column: String, data_type: DataType },
    #[error("column `{column}`: {count} nodes more than its type has")]
    TrailingNodes { column: String, count: usize },
    #[error(
        "column `{column}`: the {buffer} buffer holds {actual} bytes where {expected} are needed"
    )]
    BufferSize { column: String, buffer: &'static str, expected: usize, actual: usize },
    #[error("column `{column}`: {message}")]
    Invalid { column: String, message: String },
    #[error("column `{column}` holds {count} nulls but was declared without")]
    Nulls { column: String, count: usize },
}

/// Lifts one top-level column of `rows` values from its nodes.
pub fn lift_column(field: &Field, nodes: Vec<Node>, rows: usize) -> Result<ArrayRef, ColumnBreach> {
    let mut nodes = nodes.into_iter();
    let array = make_array(take_data(field.name(), field.data_type(), &mut nodes, Some(rows))?);
    if nodes.len() > 0 {
        return Err(ColumnBreach::TrailingNodes {
            column: field.name().clone(),
            count: nodes.len(),
        });
    }
    check_column(field, &array)?;
    Ok(array)
}

/// Lifts all columns of an extractor's batch from their nodes, one column after another.
pub fn lift_columns(
    fields: &[impl AsRef<Field>],
    nodes: Vec<Node>,
    rows: usize,
) -> Result<Vec<ArrayRef>, ColumnBreach> {
    let mut nodes = nodes.into_iter();
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let field = field.as_ref();
        let array = make_array(take_data(field.name(), field.data_type(), &mut nodes, Some(rows))?);
        check_column(field, &array)?;
        columns.push(array);
    }
    if nodes.len() > 0 {
        let column = fields.last().map(|field| field.as_ref().name().clone()).unwrap_or_default();
        return Err(ColumnBreach::TrailingNodes { column, count: nodes.len() });
    }
    Ok(columns)
}

/// What Arrow's own validation leaves open: declared nulls, and the precision of decimals.
pub(crate) fn check_column(field: &Field, array: &ArrayRef) -> Result<(), ColumnBreach> {
    if !field.is_nullable() && array.logical_null_count() > 0 {
        return Err(ColumnBreach::Nulls {
            column: field.name().clone(),
            count: array.logical_null_count(),
        });
    }
    check_decimals(&array.to_data()).map_err(|error| ColumnBreach::Invalid {
        column: field.name().clone(),
        message: error.to_string(),
    })
}

fn check_decimals(data: &ArrayData) -> Result<(), ArrowError> {
    match data.data_type() {
        DataType::Decimal32(precision, _) => {
            downcast_array::<Decimal32Array>(&make_array(data.clone()))
                .validate_decimal_precision(*precision)
        }
        DataType::Decimal64(precision, _) => {
            downcast_array::<Decimal64Array>(&make_array(data.clone()))
                .validate_decimal_precision(*precision)
        }
        DataType::Decimal128(precision, _) => {
            downcast_array::<Decimal128Array>(&make_array(data.clone()))
                .validate_decimal_precision(*precision)
        }
        DataType::Decimal256(precision, _) => {
            downcast_array::<Decimal256Array>(&make_array(data.clone()))
                .validate_decimal_precision(*precision)
        }
        _ => data.child_data().iter().try_for_each(check_decimals),
    }
}

/// One array and its children, in pre-order. `rows` is the exact length where the parent fixes it.
fn take_data(
    column: &str,
    data_type: &DataType,
    nodes: &mut std::vec::IntoIter<Node>,
    rows: Option<usize>,
) -> Result<ArrayData, ColumnBreach> {
    let Some(node) = nodes.next() else {
        return Err(ColumnBreach::MissingNodes {
            column: column.to_owned(),
            data_type: data_type.clone(),
        });
    };
    let length = node.length as usize;
    if let Some(expected) = rows
        && expected != length
    {
        return Err(ColumnBreach::Length { column: column.to_owned(), expected, actual: length });
    }
    let mut children = Vec::new();
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            children.push(take_data(column, item.data_type(), nodes, None)?);
        }
        DataType::FixedSizeList(item, size) => {
            let expected = length.saturating_mul(*size as usize);
            children.push(take_data(column, item.data_type(), nodes, Some(expected))?);
        }
        DataType::Struct(fields) => {
            for field in fields {
                children.push(take_data(column, field.data_type(), nodes, Some(length))?);
            }
        }
        DataType::Dictionary(_, values) => children.push(take_data(column, values, nodes, None)?),
        _ => {}
    }
    let mut buffers = Vec::new();
    let variable_width = matches!(
        data_type,
        DataType::Utf8 | DataType::Binary | DataType::LargeUtf8 | DataType::LargeBinary
    );
    match offset_width(data_type) {
        Some(width) => {
            buffers.push(offsets_buffer(column, node.offsets, length, width)?);
            if variable_width {
                buffers.push(Buffer::from_vec(node.values));
            }
        }
        None => {
            if let Some(expected) = value_bytes(data_type, length) {
                buffers.push(sized(column, "values", node.values, expected)?);
            }
        }
    }
    let validity = match (data_type, node.validity.is_empty()) {
        (DataType::Null, _) | (_, true) => None,
        (_, false) => Some(sized(column, "validity", node.validity, length.div_ceil(8))?),
    };
    ArrayData::builder(data_type.clone())
        .len(length)
        .null_bit_buffer(validity)
        .buffers(buffers)
        .child_data(children)
        .align_buffers(true)
        .build()
        .map_err(|error| ColumnBreach::Invalid {
            column: column.to_owned(),
            message: error.to_string(),
        })
}

fn offset_width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Utf8 | DataType::Binary | DataType::List(_) | DataType::Map(..) => Some(4),
        DataType::LargeUtf8 | DataType::LargeBinary | DataType::LargeList(_) => Some(8),
        _ => None,
    }
}

/// How many bytes of values a fixed-width type needs; none for types without a values buffer.
fn value_bytes(data_type: &DataType, length: usize) -> Option<usize> {
    match data_type {
        DataType::Boolean => Some(length.div_ceil(8)),
        DataType::FixedSizeBinary(size) => Some(length.saturating_mul(*size as usize)),
        DataType::Dictionary(key, _) => value_bytes(key, length),
        other => other.primitive_width().map(|width| length.saturating_mul(width)),
    }
}

fn sized(
    column: &str,
    buffer: &'static str,
    bytes: Vec<u8>,
    expected: usize,
) -> Result<Buffer, ColumnBreach> {
    if bytes.len() < expected {
        return Err(ColumnBreach::BufferSize {
            column: column.to_owned(),
            buffer,
            expected,
            actual: bytes.len(),
        });
    }
    Ok(Buffer::from_vec(bytes))
}

/// `length + 1` offsets. The single 0 may be left out where there are no values.
fn offsets_buffer(
    column: &str,
    bytes: Vec<u8>,
    length: usize,
    width: usize,
) -> Result<Buffer, ColumnBreach> {
    if length == 0 && bytes.is_empty() {
        return Ok(Buffer::from_vec(vec![0_u8; width]));
    }
    let offsets = sized(column, "offsets", bytes, (length + 1) * width)?;
    if offsets[..width].iter().any(|&byte| byte != 0) {
        return Err(ColumnBreach::Invalid {
            column: column.to_owned(),
            message: "the offsets do not start at 0".to_owned(),
        });
    }
    Ok(offsets)
}
