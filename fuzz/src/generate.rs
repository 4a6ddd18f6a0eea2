//! Schemas, nodes, selections and findings out of bytes: as a plugin could return them, most of them plausible.
//!
//! Bytes that were all random would be refused at the first check. So each value is what the contract asks for, unless the
//! bytes say otherwise; which makes some breach or other likely in every answer, and rarely more than one or two.

use arbitrary::{Result, Unstructured};
use arrow::datatypes::{DataType, FieldRef};
use wasmill_contract::bindings::transform::Selection;
use wasmill_contract::bindings::types as wit;

/// How deep types are nested at most.
const MAX_DEPTH: u32 = 3;
/// Buffers that would be longer are shorter than they should be.
const MAX_BUFFER_BYTES: usize = 1 << 16;

/// The fields of one to four columns, in pre-order.
pub fn schema(u: &mut Unstructured<'_>) -> Result<Vec<wit::Field>> {
    let mut fields = Vec::new();
    for column in 0..u.int_in_range(1..=4)? {
        push_field(u, format!("column{column}"), 0, &mut fields)?;
    }
    Ok(fields)
}

/// One field and its descendants.
pub fn push_field(
    u: &mut Unstructured<'_>,
    name: String,
    depth: u32,
    fields: &mut Vec<wit::Field>,
) -> Result<()> {
    let data_type = data_type(u, depth)?;
    let children = match data_type {
        wit::DataType::List
        | wit::DataType::LargeList
        | wit::DataType::FixedSizeList(_)
        | wit::DataType::Map(_)
        | wit::DataType::Dictionary(_) => 1,
        wit::DataType::Struct => u.int_in_range(0..=3)?,
        _ => 0,
    };
    let is_map = matches!(data_type, wit::DataType::Map(_));
    let stated = if odd(u)? { u.arbitrary()? } else { children };
    let nullable = u.arbitrary()?;
    let metadata = if odd(u)? { vec![(u.arbitrary()?, u.arbitrary()?)] } else { Vec::new() };
    fields.push(wit::Field { name, data_type, nullable, children: stated, metadata });
    if is_map {
        let pair = wit::Field {
            name: "entries".to_owned(),
            data_type: wit::DataType::Struct,
            nullable: odd(u)?,
            children: 2,
            metadata: Vec::new(),
        };
        fields.push(pair);
        let key = fields.len();
        push_field(u, "key".to_owned(), MAX_DEPTH, fields)?;
        fields[key].nullable = odd(u)?;
        return push_field(u, "value".to_owned(), depth + 1, fields);
    }
    (0..children).try_for_each(|child| push_field(u, format!("child{child}"), depth + 1, fields))
}

fn data_type(u: &mut Unstructured<'_>, depth: u32) -> Result<wit::DataType> {
    use wit::DataType as Type;
    // Types with children come last.
    let last = if depth < MAX_DEPTH { 35 } else { 29 };
    Ok(match u.int_in_range(0..=last)? {
        0 => Type::Int64,
        1 => Type::Utf8,
        2 => Type::Boolean,
        3 => Type::Null,
        4 => Type::Int8,
        5 => Type::Int16,
        6 => Type::Int32,
        7 => Type::Uint8,
        8 => Type::Uint16,
        9 => Type::Uint32,
        10 => Type::Uint64,
        11 => Type::Float16,
        12 => Type::Float32,
        13 => Type::Float64,
        14 => Type::LargeUtf8,
        15 => Type::Binary,
        16 => Type::LargeBinary,
        17 => Type::FixedSizeBinary(size(u)?),
        18 => Type::Date32,
        19 => Type::Date64,
        20 => Type::Time32(unit(u)?),
        21 => Type::Time64(unit(u)?),
        22 => Type::Timestamp(wit::TimestampType { unit: unit(u)?, zone: zone(u)? }),
        23 => Type::Duration(unit(u)?),
        24 => Type::Interval(*u.choose(&[
            wit::IntervalUnit::YearMonth,
            wit::IntervalUnit::DayTime,
            wit::IntervalUnit::MonthDayNano,
        ])?),
        25 => Type::Decimal32(decimal(u, 9)?),
        26 => Type::Decimal64(decimal(u, 18)?),
        27 => Type::Decimal128(decimal(u, 38)?),
        28 => Type::Decimal256(decimal(u, 76)?),
        29 => Type::Int32,
        30 => Type::List,
        31 => Type::LargeList,
        32 => Type::FixedSizeList(size(u)?),
        33 => Type::Struct,
        34 => Type::Map(u.arbitrary()?),
        _ => Type::Dictionary(*u.choose(&[
            wit::IndexType::Int8,
            wit::IndexType::Int16,
            wit::IndexType::Int32,
            wit::IndexType::Int64,
            wit::IndexType::Uint8,
            wit::IndexType::Uint16,
            wit::IndexType::Uint32,
            wit::IndexType::Uint64,
        ])?),
    })
}

/// Of a fixed-size type: small, or at a limit.
fn size(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match u.int_in_range(0..=7)? {
        0 => 1 << 20,
        1 if odd(u)? => u.arbitrary()?,
        small => small,
    })
}

fn unit(u: &mut Unstructured<'_>) -> Result<wit::TimeUnit> {
    u.choose(&[
        wit::TimeUnit::Microsecond,
        wit::TimeUnit::Second,
        wit::TimeUnit::Millisecond,
        wit::TimeUnit::Nanosecond,
    ])
    .copied()
}

fn zone(u: &mut Unstructured<'_>) -> Result<Option<String>> {
    Ok(match u.int_in_range(0..=4)? {
        0 | 1 => None,
        2 => Some("UTC".to_owned()),
        3 => Some("+02:00".to_owned()),
        _ => Some(u.arbitrary()?),
    })
}

fn decimal(u: &mut Unstructured<'_>, most: u8) -> Result<wit::DecimalType> {
    if odd(u)? {
        return Ok(wit::DecimalType { precision: u.arbitrary()?, scale: u.arbitrary()? });
    }
    let precision = u.int_in_range(1..=most)?;
    Ok(wit::DecimalType { precision, scale: u.int_in_range(0..=precision)? as i8 })
}

/// The nodes of columns of `rows` values.
pub fn columns(
    u: &mut Unstructured<'_>,
    fields: &[FieldRef],
    rows: usize,
) -> Result<Vec<wit::Node>> {
    let mut nodes = Vec::new();
    for field in fields {
        push_nodes(u, field.data_type(), rows, &mut nodes)?;
    }
    if odd(u)? && !nodes.is_empty() {
        let (from, to) = (u.choose_index(nodes.len())?, u.choose_index(nodes.len())?);
        match u.int_in_range(0..=2)? {
            0 => drop(nodes.remove(from)),
            1 => nodes.swap(from, to),
            _ => nodes.push(nodes[from].clone()),
        }
    }
    Ok(nodes)
}

/// The node of one array of `length` values, and those of its children.
fn push_nodes(
    u: &mut Unstructured<'_>,
    data_type: &DataType,
    length: usize,
    nodes: &mut Vec<wit::Node>,
) -> Result<()> {
    let mut node = wit::Node {
        length: if odd(u)? { u.arbitrary()? } else { u32::try_from(length).unwrap_or(u32::MAX) },
        validity: if u.arbitrary()? { bytes(u, length.div_ceil(8))? } else { Vec::new() },
        offsets: Vec::new(),
        values: Vec::new(),
    };
    let mut last = 0;
    match data_type {
        DataType::Utf8 | DataType::Binary | DataType::List(_) | DataType::Map(..) => {
            (node.offsets, last) = offsets(u, length, 4)?;
        }
        DataType::LargeUtf8 | DataType::LargeBinary | DataType::LargeList(_) => {
            (node.offsets, last) = offsets(u, length, 8)?;
        }
        _ => {}
    }
    node.values = match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => text(u, last)?,
        DataType::Binary | DataType::LargeBinary => bytes(u, last)?,
        DataType::Boolean => bytes(u, length.div_ceil(8))?,
        DataType::FixedSizeBinary(size) => bytes(u, length.saturating_mul(*size as usize))?,
        DataType::Dictionary(key, _) => keys(u, length, key.primitive_width().unwrap_or(1))?,
        // Mostly zero in the higher bytes, so that it keeps to a precision.
        data_type if data_type.is_decimal() => {
            keys(u, length, data_type.primitive_width().unwrap_or(16))?
        }
        data_type => {
            let width = data_type.primitive_width().unwrap_or(0);
            bytes(u, length.saturating_mul(width))?
        }
    };
    nodes.push(node);
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
            push_nodes(u, item.data_type(), last, nodes)
        }
        DataType::FixedSizeList(item, size) => {
            push_nodes(u, item.data_type(), length.saturating_mul(*size as usize), nodes)
        }
        DataType::Struct(fields) => {
            fields.iter().try_for_each(|field| push_nodes(u, field.data_type(), length, nodes))
        }
        DataType::Dictionary(_, values) => {
            let count = u.int_in_range(0..=4)?;
            push_nodes(u, values, count, nodes)
        }
        _ => Ok(()),
    }
}

/// As many bytes as are needed, or some number of bytes.
fn bytes(u: &mut Unstructured<'_>, needed: usize) -> Result<Vec<u8>> {
    let count = if odd(u)? { u.int_in_range(0..=64)? } else { needed.min(MAX_BUFFER_BYTES) };
    let mut bytes = vec![0; count];
    // The rest is zero where there are not so many left.
    u.fill_buffer(&mut bytes)?;
    Ok(bytes)
}

fn text(u: &mut Unstructured<'_>, needed: usize) -> Result<Vec<u8>> {
    let mut text = bytes(u, needed)?;
    if !odd(u)? {
        text.iter_mut().for_each(|byte| *byte &= 0x7f);
    }
    Ok(text)
}

/// Little-endian integers, most of them below 4.
fn keys(u: &mut Unstructured<'_>, count: usize, width: usize) -> Result<Vec<u8>> {
    let mut keys = vec![0; count.saturating_mul(width).min(MAX_BUFFER_BYTES)];
    for key in keys.chunks_exact_mut(width.max(1)) {
        key[0] = u.int_in_range(0..=3)?;
        if odd(u)? {
            u.fill_buffer(key)?;
        }
    }
    Ok(keys)
}

/// The offsets of so many values, and the last of them.
fn offsets(u: &mut Unstructured<'_>, count: usize, width: usize) -> Result<(Vec<u8>, usize)> {
    let mut offset: i64 = 0;
    let mut bytes = Vec::new();
    for index in 0..=count.min(MAX_BUFFER_BYTES / 8) {
        if index > 0 {
            offset += if odd(u)? { u.int_in_range(-4..=1 << 20)? } else { u.int_in_range(0..=3)? };
        }
        bytes.extend_from_slice(&offset.to_le_bytes()[..width]);
    }
    Ok((bytes, usize::try_from(offset).unwrap_or(0)))
}

/// Output rows over a batch of `rows` rows.
pub fn selection(u: &mut Unstructured<'_>, rows: usize) -> Result<Selection> {
    Ok(match u.int_in_range(0..=3)? {
        0 => Selection::All,
        1 => Selection::Bitmap(bytes(u, rows.div_ceil(8))?),
        2 => {
            let count = u.int_in_range(0..=32)?;
            let row = |u: &mut Unstructured<'_>| match (odd(u)?, rows) {
                (true, _) | (false, 0) => u.arbitrary(),
                (false, rows) => u.int_in_range(0..=rows as u32 - 1),
            };
            Selection::Indices((0..count).map(|_| row(u)).collect::<Result<_>>()?)
        }
        _ if odd(u)? => Selection::Detached(u.arbitrary()?),
        _ => Selection::Detached(u.int_in_range(0..=32)?),
    })
}

/// Findings about a batch of `rows` rows; mostly none.
pub fn findings(u: &mut Unstructured<'_>, rows: usize) -> Result<Vec<wit::Finding>> {
    let count = u.int_in_range(0..=4)?;
    if count > 2 {
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    for _ in 0..count {
        let mut named: Vec<u32> = Vec::new();
        for row in 0..rows as u32 {
            if u.ratio(1, 8)? {
                named.push(row);
            }
        }
        if odd(u)? {
            named.push(u.arbitrary()?);
        }
        findings.push(wit::Finding {
            rows: named,
            rule: u.arbitrary()?,
            column: u.arbitrary()?,
            message: u.arbitrary()?,
        });
    }
    Ok(findings)
}

/// Whether to do something else than what is asked for.
pub fn odd(u: &mut Unstructured<'_>) -> Result<bool> {
    // Not where the bytes have run out, which then are all zero.
    Ok(u.arbitrary::<u8>()? > 0xf4)
}
