//! Host to guest: Arrow arrays as the nodes of the contract, borrowed.
//!
//! [`Lowered`] holds reference-counted slices of the columns' own buffers; nothing is copied here,
//! with three exceptions that the contract's simplicity costs: a bitmap that starts inside a byte is
//! shifted, the offsets of a sliced string or list column are moved to start at 0, and views are
//! cast to their plain counterparts. The copy into guest memory happens when the call lowers the
//! borrowed slices: one memcpy per buffer.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayData, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, downcast_primitive,
    make_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, FieldRef, Schema};
use arrow::error::ArrowError;
use wasmtime::component::{ComponentType, Lower};

use crate::schema::{UnsupportedType, crossing_type};

/// `types.node`, borrowed. Must stay structurally equal to the WIT record; linking a plugin checks it.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub struct NodeParam<'a> {
    length: u32,
    validity: &'a [u8],
    offsets: &'a [u8],
    values: &'a [u8],
}

/// `types.payload`, borrowed.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(variant)]
pub enum PayloadParam<'a> {
    #[component(name = "columns")]
    Columns(&'a [NodeParam<'a>]),
    #[component(name = "ipc")]
    Ipc(&'a [u8]),
    #[component(name = "json")]
    Json(&'a str),
}

/// `types.batch`, borrowed.
#[derive(ComponentType, Lower, Clone, Copy)]
#[component(record)]
pub struct BatchParam<'a> {
    pub rows: u32,
    pub values: PayloadParam<'a>,
}

/// One array's buffers, shared with the array.
#[derive(Debug, Clone)]
struct LoweredNode {
    length: u32,
    validity: Option<Buffer>,
    offsets: Option<Buffer>,
    values: Option<Buffer>,
}

/// Columns ready to cross, in order.
#[derive(Debug, Clone, Default)]
pub struct Lowered {
    nodes: Vec<LoweredNode>,
}

impl Lowered {
    /// Lowers the columns of `batch` at `positions`.
    ///
    /// # Errors
    ///
    /// [`LowerError::Unsupported`] when a column's type does not cross; binding a plugin refuses such
    /// columns earlier. [`LowerError::Rows`] for more than 2^32 - 1 rows.
    pub fn new(batch: &RecordBatch, positions: &[usize]) -> Result<Self, LowerError> {
        let mut lowered = Self::default();
        for &position in positions {
            let column = batch.column(position);
            if let Some(node) = flat_node(column.as_ref())? {
                lowered.nodes.push(node);
                continue;
            }
            let array = plain(batch.schema_ref().field(position).name(), column)?;
            push_nodes(&array.to_data(), &mut lowered.nodes)?;
        }
        Ok(lowered)
    }

    /// The nodes as the call takes them.
    pub fn params(&self) -> Vec<NodeParam<'_>> {
        fn bytes(buffer: &Option<Buffer>) -> &[u8] {
            buffer.as_ref().map(Buffer::as_slice).unwrap_or_default()
        }
        self.nodes
            .iter()
            .map(|node| NodeParam {
                length: node.length,
                validity: bytes(&node.validity),
                offsets: bytes(&node.offsets),
                values: bytes(&node.values),
            })
            .collect()
    }

    /// The nodes as a guest would return them.
    #[cfg(test)]
    pub(crate) fn to_nodes(&self) -> Vec<crate::bindings::types::Node> {
        self.params()
            .iter()
            .map(|node| crate::bindings::types::Node {
                length: node.length,
                validity: node.validity.to_vec(),
                offsets: node.offsets.to_vec(),
                values: node.values.to_vec(),
            })
            .collect()
    }

    /// How many bytes will be copied into the guest.
    pub fn byte_count(&self) -> usize {
        self.nodes
            .iter()
            .flat_map(|node| [&node.validity, &node.offsets, &node.values])
            .flatten()
            .map(Buffer::len)
            .sum()
    }
}

/// Why columns could not be lowered. Each is a mistake of the host: `check` and binding exclude them.
#[derive(Debug, thiserror::Error)]
pub enum LowerError {
    #[error(transparent)]
    Unsupported(#[from] UnsupportedType),
    #[error("a batch of {0} rows: at most 4,294,967,295 cross at once")]
    Rows(usize),
    #[error("cannot convert to a type that crosses")]
    Convert(#[from] ArrowError),
}

/// The array itself, or its plain counterpart where it holds views.
pub(crate) fn plain(column: &str, array: &ArrayRef) -> Result<ArrayRef, LowerError> {
    let crossing = crossing_type(array.data_type())
        .map_err(|data_type| UnsupportedType { column: column.to_owned(), data_type })?;
    if &crossing == array.data_type() { Ok(Arc::clone(array)) } else { Ok(cast(array, &crossing)?) }
}

/// The node of a column of numbers or the like, which is nearly all there is to most columns: taken from the array
/// itself, without the general description of it.
fn flat_node(array: &dyn Array) -> Result<Option<LoweredNode>, LowerError> {
    macro_rules! values {
        ($type:ty) => {
            array.as_primitive::<$type>().values().inner().clone()
        };
    }
    let values = downcast_primitive! {
        array.data_type() => (values),
        _ => return Ok(None),
    };
    Ok(Some(LoweredNode {
        length: row_count(array.len())?,
        validity: validity(array.nulls()),
        offsets: None,
        values: Some(values),
    }))
}

fn row_count(rows: usize) -> Result<u32, LowerError> {
    u32::try_from(rows).map_err(|_| LowerError::Rows(rows))
}

/// The bits of the nulls, starting with a byte; none where there are no nulls.
fn validity(nulls: Option<&NullBuffer>) -> Option<Buffer> {
    nulls.filter(|nulls| nulls.null_count() > 0).map(|nulls| nulls.inner().sliced())
}

fn push_nodes(data: &ArrayData, nodes: &mut Vec<LoweredNode>) -> Result<(), LowerError> {
    let (offset, length) = (data.offset(), data.len());
    let mut node = LoweredNode {
        length: row_count(length)?,
        validity: validity(data.nulls()),
        offsets: None,
        values: None,
    };
    let mut children = Vec::new();
    match data.data_type() {
        DataType::Null => node.validity = None,
        DataType::Boolean => {
            let values = BooleanBuffer::new(data.buffers()[0].clone(), offset, length);
            node.values = Some(values.sliced());
        }
        DataType::Utf8 | DataType::Binary => {
            let (offsets, first, last) = offsets_from_zero::<i32>(data);
            node.offsets = Some(offsets);
            node.values = Some(data.buffers()[1].slice_with_length(first, last - first));
        }
        DataType::LargeUtf8 | DataType::LargeBinary => {
            let (offsets, first, last) = offsets_from_zero::<i64>(data);
            node.offsets = Some(offsets);
            node.values = Some(data.buffers()[1].slice_with_length(first, last - first));
        }
        DataType::List(_) | DataType::Map(..) => {
            let (offsets, first, last) = offsets_from_zero::<i32>(data);
            node.offsets = Some(offsets);
            children.push(slice(&data.child_data()[0], first, last - first));
        }
        DataType::LargeList(_) => {
            let (offsets, first, last) = offsets_from_zero::<i64>(data);
            node.offsets = Some(offsets);
            children.push(slice(&data.child_data()[0], first, last - first));
        }
        DataType::FixedSizeList(_, size) => {
            let size = *size as usize;
            children.push(slice(&data.child_data()[0], offset * size, length * size));
        }
        // The children of a struct are sliced together with it.
        DataType::Struct(_) => children.extend(data.child_data().iter().cloned()),
        DataType::Dictionary(key, _) => {
            node.values = Some(fixed_width_values(data, key));
            children.push(data.child_data()[0].clone());
        }
        fixed_width => node.values = Some(fixed_width_values(data, fixed_width)),
    }
    nodes.push(node);
    children.iter().try_for_each(|child| push_nodes(child, nodes))
}

/// Slicing by way of an array: `ArrayData::slice` alone leaves a struct's children as they were.
fn slice(data: &ArrayData, offset: usize, length: usize) -> ArrayData {
    if offset == 0 && length == data.len() {
        return data.clone();
    }
    make_array(data.clone()).slice(offset, length).to_data()
}

fn fixed_width_values(data: &ArrayData, data_type: &DataType) -> Buffer {
    let width = match data_type {
        DataType::FixedSizeBinary(size) => *size as usize,
        other => other.primitive_width().expect("every variable-width type has its own arm"),
    };
    data.buffers()[0].slice_with_length(data.offset() * width, data.len() * width)
}

/// The offsets of `data`, moved so that they start at 0, and the range of values they covered before.
fn offsets_from_zero<O: ArrowNativeType + std::ops::Sub<Output = O>>(
    data: &ArrayData,
) -> (Buffer, usize, usize) {
    if data.is_empty() {
        // An empty array may come without any offset; the contract promises `length + 1` of them.
        return (Buffer::from_slice_ref([O::default()]), 0, 0);
    }
    let width = size_of::<O>();
    let bytes =
        data.buffers()[0].slice_with_length(data.offset() * width, (data.len() + 1) * width);
    let offsets = bytes.typed_data::<O>();
    let first = offsets[0];
    let last = offsets[data.len()];
    let moved = if first == O::default() {
        bytes.clone()
    } else {
        offsets.iter().map(|&offset| offset - first).collect::<Vec<O>>().into()
    };
    (moved, first.as_usize(), last.as_usize())
}

/// The columns of `batch` at `positions`, with views made plain: for the encodings that take a whole batch.
pub fn plain_batch(batch: &RecordBatch, positions: &[usize]) -> Result<RecordBatch, LowerError> {
    let mut fields: Vec<FieldRef> = Vec::with_capacity(positions.len());
    let mut columns = Vec::with_capacity(positions.len());
    for &position in positions {
        let field = &batch.schema_ref().fields()[position];
        let column = plain(field.name(), batch.column(position))?;
        fields.push(Arc::new(field.as_ref().clone().with_data_type(column.data_type().clone())));
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let schema = Arc::new(Schema::new(fields));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::StringViewArray;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::any_batch;
    use crate::lift::lift_columns;

    fn lower(batch: &RecordBatch) -> Lowered {
        let positions: Vec<usize> = (0..batch.num_columns()).collect();
        Lowered::new(batch, &positions).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// What crosses comes back as it was: values, nulls, types, however the input was sliced.
        #[test]
        fn a_batch_survives_the_way_there_and_back(batch in any_batch()) {
            let lowered = lower(&batch);
            let schema = batch.schema();
            let lifted =
                lift_columns(schema.fields(), lowered.to_nodes(), batch.num_rows()).unwrap();
            prop_assert_eq!(&lifted, batch.columns());
        }

        /// Buffers have the sizes that the contract promises, and nothing of the rows around a slice is in them.
        #[test]
        fn buffers_are_as_long_as_they_need_to_be(batch in any_batch()) {
            let lowered = lower(&batch);
            let nodes = lowered.to_nodes();
            for node in &nodes {
                let length = node.length as usize;
                prop_assert!([0, length.div_ceil(8)].contains(&node.validity.len()));
                let offsets = &node.offsets;
                prop_assert!([0, 4 * (length + 1), 8 * (length + 1)].contains(&offsets.len()));
                prop_assert!(offsets.iter().take(4).all(|&byte| byte == 0), "offsets start at 0");
            }
            let bytes = |node: &crate::bindings::types::Node| {
                node.validity.len() + node.offsets.len() + node.values.len()
            };
            prop_assert_eq!(lowered.byte_count(), nodes.iter().map(bytes).sum::<usize>());
        }
    }

    #[test]
    fn views_cross_as_plain_text() {
        let views =
            StringViewArray::from(vec![Some("short"), None, Some("longer than twelve bytes")]);
        let field = arrow::datatypes::Field::new("text", DataType::Utf8View, true);
        let schema = Arc::new(Schema::new(vec![field]));
        let batch = RecordBatch::try_new(schema, vec![Arc::new(views.clone())]).unwrap();
        let plain = [arrow::datatypes::Field::new("text", DataType::Utf8, true)];
        let nodes = lower(&batch.slice(1, 2)).to_nodes();
        let lifted = lift_columns(&plain, nodes, 2).unwrap();
        let expected = cast(&views.slice(1, 2), &DataType::Utf8).unwrap();
        assert_eq!(&lifted[0], &expected);
    }
}
