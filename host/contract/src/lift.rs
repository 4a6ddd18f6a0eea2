//! Guest to host: nodes that a plugin returned, checked, as Arrow arrays.
//!
//! Everything here is hostile until proven otherwise. What comes out of [`lift_column`] is an array
//! that satisfies all of Arrow's invariants for exactly the type and length that were asked for:
//! buffer sizes, offsets that start at 0, never fall and stay in range, UTF-8 on every boundary, dictionary keys in
//! range, decimals within their precision, no nulls where the schema has none.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, ArrowPrimitiveType, AsArray, FixedSizeListArray, LargeListArray,
    ListArray, MapArray, PrimitiveArray, StructArray, downcast_primitive, make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowNativeType, DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, Field,
};
use arrow::error::ArrowError;

use crate::bindings::types::Node;

/// How many values an array may have that has no bytes for them: of nulls, or of structs without fields. A plugin pays
/// nothing for such values, and the host a bit for each of them.
pub const MAX_BARE_VALUES: usize = 1 << 26;

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
    #[error("column `{column}`: {count} values that take no bytes: the limit is {MAX_BARE_VALUES}")]
    BareValues { column: String, count: usize },
    #[error("column `{column}`: {message}")]
    Invalid { column: String, message: String },
    #[error("column `{column}` holds {count} nulls but was declared without")]
    Nulls { column: String, count: usize },
}

/// Lifts one top-level column of `rows` values from its nodes.
pub fn lift_column(field: &Field, nodes: Vec<Node>, rows: usize) -> Result<ArrayRef, ColumnBreach> {
    let mut nodes = nodes.into_iter();
    let array = take_column(field, &mut nodes, rows)?;
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
        let array = take_column(field, &mut nodes, rows)?;
        check_column(field, &array)?;
        columns.push(array);
    }
    if nodes.len() > 0 {
        let column = fields.last().map(|field| field.as_ref().name().clone()).unwrap_or_default();
        return Err(ColumnBreach::TrailingNodes { column, count: nodes.len() });
    }
    Ok(columns)
}

/// What Arrow's own validation of buffers leaves open: declared nulls, and the precision of decimals.
pub(crate) fn check_column(field: &Field, array: &ArrayRef) -> Result<(), ColumnBreach> {
    if !field.is_nullable() && array.logical_null_count() > 0 {
        return Err(ColumnBreach::Nulls {
            column: field.name().clone(),
            count: array.logical_null_count(),
        });
    }
    let checked = match array.data_type() {
        // Flat, and wholly checked when it was built.
        data_type if data_type.is_numeric() && !data_type.is_decimal() => return Ok(()),
        DataType::Utf8 | DataType::Binary | DataType::Boolean => return Ok(()),
        _ => check_nested_nulls(array).and_then(|()| check_decimals(&array.to_data())),
    };
    checked.map_err(|error| ColumnBreach::Invalid {
        column: field.name().clone(),
        message: error.to_string(),
    })
}

/// Nulls of a nested field that was declared without may also come out of a dictionary, whose values are null.
/// The constructors look for them, and so does every kernel that makes the array anew.
fn check_nested_nulls(array: &ArrayRef) -> Result<(), ArrowError> {
    match array.data_type() {
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            let (offsets, values) = (list.offsets().clone(), Arc::clone(list.values()));
            ListArray::try_new(Arc::clone(item), offsets, values, list.nulls().cloned())?;
            check_nested_nulls(list.values())
        }
        DataType::LargeList(item) => {
            let list = array.as_list::<i64>();
            let (offsets, values) = (list.offsets().clone(), Arc::clone(list.values()));
            LargeListArray::try_new(Arc::clone(item), offsets, values, list.nulls().cloned())?;
            check_nested_nulls(list.values())
        }
        DataType::FixedSizeList(item, size) => {
            let list = array.as_fixed_size_list();
            let values = Arc::clone(list.values());
            FixedSizeListArray::try_new(Arc::clone(item), *size, values, list.nulls().cloned())?;
            check_nested_nulls(list.values())
        }
        DataType::Map(entries, sorted) => {
            let map = array.as_map();
            MapArray::try_new(
                Arc::clone(entries),
                map.offsets().clone(),
                map.entries().clone(),
                map.nulls().cloned(),
                *sorted,
            )?;
            map.entries().columns().iter().try_for_each(check_nested_nulls)
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            StructArray::try_new_with_length(
                fields.clone(),
                columns.columns().to_vec(),
                columns.nulls().cloned(),
                columns.len(),
            )?;
            columns.columns().iter().try_for_each(check_nested_nulls)
        }
        _ => Ok(()),
    }
}

fn check_decimals(data: &ArrayData) -> Result<(), ArrowError> {
    match data.data_type() {
        DataType::Decimal32(..) => precise::<Decimal32Type>(data),
        DataType::Decimal64(..) => precise::<Decimal64Type>(data),
        DataType::Decimal128(..) => precise::<Decimal128Type>(data),
        DataType::Decimal256(..) => precise::<Decimal256Type>(data),
        _ => data.child_data().iter().try_for_each(check_decimals),
    }
}

/// Value by value: arrays check all of their values too, but take a negative scale for a large one.
fn precise<T: DecimalType>(data: &ArrayData) -> Result<(), ArrowError> {
    let array = PrimitiveArray::<T>::from(data.clone());
    let (precision, scale) = (array.precision(), array.scale());
    let mut values = array.iter().flatten();
    values.try_for_each(|value| T::validate_decimal_precision(value, precision, scale))
}

/// One top-level column.
fn take_column(
    field: &Field,
    nodes: &mut std::vec::IntoIter<Node>,
    rows: usize,
) -> Result<ArrayRef, ColumnBreach> {
    let (column, data_type) = (field.name(), field.data_type());
    // Numbers are the most common, and need none of what nested types do.
    macro_rules! flat {
        ($type:ty) => {
            take_flat::<$type>(column, data_type, next_node(column, data_type, nodes)?, rows)
        };
    }
    downcast_primitive! {
        data_type => (flat),
        _ => Ok(make_array(take_data(column, data_type, nodes, Some(rows))?)),
    }
}

fn take_flat<T: ArrowPrimitiveType>(
    column: &str,
    data_type: &DataType,
    node: Node,
    rows: usize,
) -> Result<ArrayRef, ColumnBreach> {
    check_length(column, node.length, rows)?;
    let values = sized(column, "values", node.values, rows.saturating_mul(size_of::<T::Native>()))?;
    let nulls = validity(column, node.validity, rows)?
        .map(|bits| NullBuffer::new(BooleanBuffer::new(bits, 0, rows)))
        .filter(|nulls| nulls.null_count() > 0);
    let array = PrimitiveArray::<T>::new(scalars(values), nulls);
    Ok(Arc::new(array.with_data_type(data_type.clone())))
}

/// Bytes as values. An allocator aligns buffers of any size that matters; it need not.
fn scalars<T: ArrowNativeType>(bytes: Buffer) -> ScalarBuffer<T> {
    if bytes.as_ptr().cast::<T>().is_aligned() {
        return bytes.into();
    }
    Buffer::from_slice_ref(bytes.as_slice()).into()
}

fn next_node(
    column: &str,
    data_type: &DataType,
    nodes: &mut std::vec::IntoIter<Node>,
) -> Result<Node, ColumnBreach> {
    nodes.next().ok_or_else(|| ColumnBreach::MissingNodes {
        column: column.to_owned(),
        data_type: data_type.clone(),
    })
}

fn check_length(column: &str, actual: u32, expected: usize) -> Result<(), ColumnBreach> {
    let actual = actual as usize;
    if actual == expected {
        return Ok(());
    }
    Err(ColumnBreach::Length { column: column.to_owned(), expected, actual })
}

/// Refuses arrays whose length is all that there is of them, where it is more than they could be used for.
fn check_bare(column: &str, data_type: &DataType, count: usize) -> Result<(), ColumnBreach> {
    let is_bare = match data_type {
        DataType::Null => true,
        DataType::Struct(fields) => fields.is_empty(),
        _ => false,
    };
    if is_bare && count > MAX_BARE_VALUES {
        return Err(ColumnBreach::BareValues { column: column.to_owned(), count });
    }
    Ok(())
}

/// The bits of the nulls, where there are any.
fn validity(column: &str, bits: Vec<u8>, rows: usize) -> Result<Option<Buffer>, ColumnBreach> {
    if bits.is_empty() {
        return Ok(None);
    }
    sized(column, "validity", bits, rows.div_ceil(8)).map(Some)
}

/// One array and its children, in pre-order. `rows` is the exact length where the parent fixes it.
fn take_data(
    column: &str,
    data_type: &DataType,
    nodes: &mut std::vec::IntoIter<Node>,
    rows: Option<usize>,
) -> Result<ArrayData, ColumnBreach> {
    let node = next_node(column, data_type, nodes)?;
    let length = node.length as usize;
    if let Some(expected) = rows {
        check_length(column, node.length, expected)?;
    }
    check_bare(column, data_type, length)?;
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
    let validity = match data_type {
        DataType::Null => None,
        _ => validity(column, node.validity, length)?,
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

/// The first `expected` bytes. What follows is cut off, because Arrow panics on typed buffers that hold a part
/// of a value.
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
    Ok(Buffer::from_vec(bytes).slice_with_length(0, expected))
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

#[cfg(test)]
mod tests {
    use arrow::array::RecordBatch;
    use arrow::datatypes::Fields;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::arbitrary::any_batch;
    use crate::lower::Lowered;

    fn node(length: u32, offsets: &[i32], values: &[u8]) -> Node {
        let offsets = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        Node { length, validity: Vec::new(), offsets, values: values.to_vec() }
    }

    #[test]
    fn a_part_of_a_value_at_the_end_of_a_buffer_is_cut_off() {
        let field = Field::new("text", DataType::Utf8, false);
        let mut text = node(2, &[0, 1, 2], b"ab");
        text.offsets.push(0xff);
        let lifted = lift_column(&field, vec![text], 2).unwrap();
        assert_eq!(lifted.as_string::<i32>().iter().flatten().collect::<String>(), "ab");
    }

    #[test]
    fn nulls_of_a_dictionary_within_a_list_are_nulls() {
        let dictionary = DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into());
        let lift = |nullable| {
            let item = Field::new("item", dictionary.clone(), nullable);
            let field = Field::new("list", DataType::List(Arc::new(item)), false);
            let mut values = node(1, &[0, 1], b"a");
            values.validity = vec![0];
            let nodes = vec![node(1, &[0, 1], &[]), node(1, &[], &[0]), values];
            lift_column(&field, nodes, 1)
        };
        assert!(lift(true).is_ok());
        let breach = lift(false).unwrap_err().to_string();
        assert!(breach.contains("cannot contain nulls"), "{breach}");
    }

    #[test]
    fn values_that_take_no_bytes_are_limited() {
        let dictionary = DataType::Dictionary(DataType::Int8.into(), DataType::Null.into());
        let item = Field::new("item", DataType::Struct(Fields::empty()), true);
        let list = DataType::List(Arc::new(item));
        for (data_type, own) in [(dictionary, node(1, &[], &[0])), (list, node(1, &[0, 1], &[]))] {
            let field = Field::new("column", data_type, true);
            let lift = |length| lift_column(&field, vec![own.clone(), node(length, &[], &[])], 1);
            let breach = lift(u32::MAX).unwrap_err();
            assert!(matches!(breach, ColumnBreach::BareValues { .. }), "{breach}");
            lift(1).unwrap();
        }
    }

    /// One change to what a guest returned.
    #[derive(Debug, Clone)]
    enum Corruption {
        Byte { node: Index, buffer: Index, place: Index, value: u8 },
        Truncate { node: Index, buffer: Index, length: Index },
        Extend { node: Index, buffer: Index, bytes: Vec<u8> },
        Length { node: Index, length: u32 },
        Remove { node: Index },
        Repeat { node: Index },
        Swap { left: Index, right: Index },
    }

    fn corruption() -> impl Strategy<Value = Corruption> {
        let index = any::<Index>;
        let length = prop_oneof![0..50_u32, Just(u32::MAX), any::<u32>()];
        prop_oneof![
            6 => (index(), index(), index(), any::<u8>()).prop_map(
                |(node, buffer, place, value)| Corruption::Byte { node, buffer, place, value }
            ),
            2 => (index(), index(), index()).prop_map(
                |(node, buffer, length)| Corruption::Truncate { node, buffer, length }
            ),
            1 => (index(), index(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(
                |(node, buffer, bytes)| Corruption::Extend { node, buffer, bytes }
            ),
            2 => (index(), length).prop_map(|(node, length)| Corruption::Length { node, length }),
            1 => index().prop_map(|node| Corruption::Remove { node }),
            1 => index().prop_map(|node| Corruption::Repeat { node }),
            1 => (index(), index()).prop_map(|(left, right)| Corruption::Swap { left, right }),
        ]
    }

    fn corrupt(nodes: &mut Vec<Node>, corruption: &Corruption) {
        fn buffer<'a>(nodes: &'a mut [Node], node: &Index, buffer: &Index) -> &'a mut Vec<u8> {
            let node = node.get_mut(nodes);
            // Mostly one that there is.
            let mut buffers = [&mut node.validity, &mut node.offsets, &mut node.values];
            buffers.sort_by_key(|buffer| buffer.is_empty());
            let filled = buffers.iter().filter(|buffer| !buffer.is_empty()).count();
            let chosen = buffer.index(filled.max(1));
            buffers.into_iter().nth(chosen).expect("an index below the number of buffers")
        }
        if nodes.is_empty() {
            return;
        }
        match corruption {
            Corruption::Byte { node, buffer: which, place, value } => {
                let buffer = buffer(nodes, node, which);
                if !buffer.is_empty() {
                    *place.get_mut(buffer) = *value;
                }
            }
            Corruption::Truncate { node, buffer: which, length } => {
                let buffer = buffer(nodes, node, which);
                buffer.truncate(length.index(buffer.len() + 1));
            }
            Corruption::Extend { node, buffer: which, bytes } => {
                buffer(nodes, node, which).extend(bytes);
            }
            Corruption::Length { node, length } => node.get_mut(nodes).length = *length,
            Corruption::Remove { node } => {
                nodes.remove(node.index(nodes.len()));
            }
            Corruption::Repeat { node } => {
                let copy = node.get(nodes).clone();
                nodes.insert(node.index(nodes.len()), copy);
            }
            Corruption::Swap { left, right } => {
                let (left, right) = (left.index(nodes.len()), right.index(nodes.len()));
                nodes.swap(left, right);
            }
        }
    }

    fn lower(batch: &RecordBatch) -> Vec<Node> {
        let positions: Vec<usize> = (0..batch.num_columns()).collect();
        Lowered::new(batch, &positions).unwrap().to_nodes()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// Whatever is changed in what a guest returned: the result is an error, or arrays that keep all of
        /// Arrow's promises, of exactly the types and the length asked for. Never a panic.
        #[test]
        fn corrupted_nodes_are_refused_or_valid(
            batch in any_batch(),
            corruptions in prop::collection::vec(corruption(), 1..4),
        ) {
            let (schema, rows) = (batch.schema(), batch.num_rows());
            let mut nodes = lower(&batch);
            for corruption in &corruptions {
                corrupt(&mut nodes, corruption);
            }
            let Ok(columns) = lift_columns(schema.fields(), nodes, rows) else { return Ok(()) };
            prop_assert_eq!(columns.len(), schema.fields().len());
            for (field, column) in schema.fields().iter().zip(&columns) {
                column.to_data().validate_full().unwrap();
                prop_assert_eq!(column.len(), rows);
                prop_assert_eq!(column.data_type(), field.data_type());
                prop_assert!(field.is_nullable() || column.logical_null_count() == 0);
                check_decimals(&column.to_data()).unwrap();
            }
            // What was lifted can be used: it crosses once more, and is the same then.
            let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
            let lifted =
                RecordBatch::try_new_with_options(schema.clone(), columns, &options).unwrap();
            let again = lift_columns(schema.fields(), lower(&lifted), rows).unwrap();
            prop_assert_eq!(&again, lifted.columns());
        }
    }
}
