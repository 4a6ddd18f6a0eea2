//! Columns of any type, nested ones too, value by value.
//!
//! [`Column`](crate::column::Column) is faster, and knows the type when the plugin is compiled. Here the type is that of the input:
//! a [`ValueColumn`] gives out [`Value`]s, and a [`ValueBuilder`] takes them. Dictionaries are seen through when they are read, and
//! made when they are written.

use std::collections::HashMap;
use std::ops::Range;

use bytemuck::bytes_of;
use half::f16;

use crate::any::{AnyColumn, NANOS_IN_MILLI, Scalar};
use crate::bindings::types::{DataType, Field, IndexType, IntervalUnit, Node};
use crate::bitmap::{Bitmap, bit};
use crate::error::{Error, Result};

/// A column, with everything that is below it.
pub struct ValueColumn<'a> {
    node: &'a Node,
    shape: Shape<'a>,
}

enum Shape<'a> {
    Flat(AnyColumn<'a>),
    /// Where the items of each row begin, and of the last one end.
    List {
        starts: Vec<usize>,
        items: Box<ValueColumn<'a>>,
        is_map: bool,
    },
    FixedSizeList {
        size: usize,
        items: Box<ValueColumn<'a>>,
    },
    Struct {
        names: Vec<&'a str>,
        children: Vec<ValueColumn<'a>>,
    },
    Dictionary {
        rows: Vec<usize>,
        values: Box<ValueColumn<'a>>,
    },
}

/// One value of any type.
pub enum Value<'a> {
    /// Null, or a value of a flat type.
    Scalar(Scalar<'a>),
    /// Of lists of all kinds.
    List(Items<'a>),
    /// The entries of a map: structs of key and value.
    Map(Items<'a>),
    Struct(Record<'a>),
}

/// The items of a list.
#[derive(Clone)]
pub struct Items<'a> {
    column: &'a ValueColumn<'a>,
    rows: Range<usize>,
}

/// The fields of a struct.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    names: &'a [&'a str],
    children: &'a [ValueColumn<'a>],
    row: usize,
}

impl<'a> ValueColumn<'a> {
    /// The column of a field and its descendants. Takes as many fields and nodes as belong to it.
    pub(crate) fn new(fields: &mut &'a [Field], nodes: &mut &'a [Node]) -> Result<Self> {
        let missing = || Error::fatal("the host sent fewer columns than it announced");
        let (field, rest) = fields.split_first().ok_or_else(missing)?;
        let (node, rest_of_nodes) = nodes.split_first().ok_or_else(missing)?;
        (*fields, *nodes) = (rest, rest_of_nodes);
        let names: Vec<&str> = match field.data_type {
            DataType::Struct => child_names(fields, field.children as usize),
            _ => Vec::new(),
        };
        let children = (0..field.children).map(|_| Self::new(fields, nodes));
        let mut children = children.collect::<Result<Vec<Self>>>()?;
        let mut only = || children.pop().map(Box::new).ok_or_else(missing);
        let shape = match &field.data_type {
            DataType::List => {
                Shape::List { starts: starts::<4>(node), items: only()?, is_map: false }
            }
            DataType::Map(_) => {
                Shape::List { starts: starts::<4>(node), items: only()?, is_map: true }
            }
            DataType::LargeList => {
                Shape::List { starts: starts::<8>(node), items: only()?, is_map: false }
            }
            DataType::FixedSizeList(size) => {
                Shape::FixedSizeList { size: *size as usize, items: only()? }
            }
            DataType::Struct => Shape::Struct { names, children },
            DataType::Dictionary(keys) => {
                Shape::Dictionary { rows: crate::dictionary::rows(*keys, node), values: only()? }
            }
            flat => Shape::Flat(AnyColumn::new(flat, node).ok_or_else(missing)?),
        };
        Ok(Self { node, shape })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.node.length as usize
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `row`.
    pub fn value(&'a self, row: usize) -> Value<'a> {
        if !self.node.validity.is_empty() && !bit(&self.node.validity, row) {
            return Value::Scalar(Scalar::Null);
        }
        let items = |column: &'a Self, rows| Items { column, rows };
        match &self.shape {
            Shape::Flat(column) => Value::Scalar(column.value(row)),
            Shape::List { starts, items: column, is_map } => {
                let items = items(column, starts[row]..starts[row + 1]);
                if *is_map { Value::Map(items) } else { Value::List(items) }
            }
            Shape::FixedSizeList { size, items: column } => {
                Value::List(items(column, row * size..(row + 1) * size))
            }
            Shape::Struct { names, children } => Value::Struct(Record { names, children, row }),
            Shape::Dictionary { rows, values } => values.value(rows[row]),
        }
    }

    /// All values in order.
    pub fn iter(&'a self) -> impl ExactSizeIterator<Item = Value<'a>> {
        (0..self.len()).map(|row| self.value(row))
    }
}

/// The names of the next `children` fields, whose own descendants are in between.
fn child_names(fields: &[Field], children: usize) -> Vec<&str> {
    let mut names = Vec::with_capacity(children);
    let mut fields = fields.iter();
    while names.len() < children {
        let Some(field) = fields.next() else { break };
        names.push(field.name.as_str());
        let mut below = field.children;
        while below > 0 {
            let Some(descendant) = fields.next() else { break };
            below = below + descendant.children - 1;
        }
    }
    names
}

/// Offsets of 4 or 8 bytes each.
fn starts<const WIDTH: usize>(node: &Node) -> Vec<usize> {
    let bytes = &node.offsets[..(node.length as usize + 1) * WIDTH];
    let start = |bytes: &[u8; WIDTH]| {
        let mut wide = [0; 8];
        wide[..WIDTH].copy_from_slice(bytes);
        u64::from_le_bytes(wide) as usize
    };
    bytes.as_chunks::<WIDTH>().0.iter().map(start).collect()
}

impl Value<'_> {
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(Scalar::Null))
    }
}

impl<'a> Items<'a> {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value<'a>> + use<'a> {
        let column = self.column;
        self.rows.clone().map(move |row| column.value(row))
    }
}

impl<'a> Record<'a> {
    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        let index = self.names.iter().position(|field| *field == name)?;
        Some(self.children[index].value(self.row))
    }

    /// The fields in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let (children, row) = (self.children, self.row);
        self.names.iter().zip(children).map(move |(name, child)| (*name, child.value(row)))
    }
}

/// A column of any type that is being made.
pub struct ValueBuilder {
    data_type: DataType,
    is_nullable: bool,
    length: usize,
    /// None as long as there are no nulls.
    validity: Option<Bitmap>,
    bits: Bitmap,
    offsets: Vec<u8>,
    values: Vec<u8>,
    children: Vec<ValueBuilder>,
    /// Of a dictionary: where each value is, by its key.
    known: HashMap<Vec<u8>, u64>,
}

impl ValueBuilder {
    /// For a field and its descendants, in pre-order.
    ///
    /// # Errors
    ///
    /// When the fields are not those of one column.
    pub fn new(fields: &[Field]) -> Result<Self> {
        let mut rest = fields;
        let builder = Self::of(&mut rest)?;
        if !rest.is_empty() {
            return Err(Error::fatal("there are more fields than those of one column"));
        }
        Ok(builder)
    }

    fn of(fields: &mut &[Field]) -> Result<Self> {
        let Some((field, rest)) = fields.split_first() else {
            return Err(Error::fatal("a field is missing"));
        };
        *fields = rest;
        let children = (0..field.children).map(|_| Self::of(fields)).collect::<Result<_>>()?;
        let mut builder = Self {
            data_type: field.data_type.clone(),
            is_nullable: field.nullable,
            length: 0,
            validity: None,
            bits: Bitmap::default(),
            offsets: Vec::new(),
            values: Vec::new(),
            children,
            known: HashMap::new(),
        };
        builder.end_offset()?;
        Ok(builder)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The nodes of the column and of its children.
    pub(crate) fn into_nodes(self) -> Vec<Node> {
        let is_bits = matches!(self.data_type, DataType::Boolean);
        let mut nodes = vec![Node {
            length: u32::try_from(self.length).expect("a batch has less than 2^32 rows"),
            validity: self.validity.map(Bitmap::into_bytes).unwrap_or_default(),
            offsets: self.offsets,
            values: if is_bits { self.bits.into_bytes() } else { self.values },
        }];
        nodes.extend(self.children.into_iter().flat_map(Self::into_nodes));
        nodes
    }

    pub fn push_null(&mut self) -> Result<()> {
        if !matches!(self.data_type, DataType::Null) {
            self.validity.get_or_insert_with(|| Bitmap::all_set(self.length)).push(false);
        }
        self.push_nothing()
    }

    /// What stands where a value is null, or its parent is.
    fn push_nothing(&mut self) -> Result<()> {
        self.length += 1;
        match &self.data_type {
            DataType::Null => {}
            DataType::Boolean => self.bits.push(false),
            DataType::Struct => {
                for child in &mut self.children {
                    child.push_default()?;
                }
            }
            DataType::FixedSizeList(size) => {
                for _ in 0..*size {
                    self.children[0].push_default()?;
                }
            }
            DataType::Dictionary(keys) => {
                self.values.resize(self.values.len() + key_width(*keys), 0);
            }
            flat => {
                if let Some(width) = crate::dictionary::width(flat).or_else(|| interval_width(flat))
                {
                    self.values.resize(self.values.len() + width, 0);
                }
            }
        }
        self.end_offset()
    }

    fn push_default(&mut self) -> Result<()> {
        if self.is_nullable {
            return self.push_null();
        }
        self.set_valid();
        self.push_nothing()
    }

    fn set_valid(&mut self) {
        if let Some(validity) = &mut self.validity {
            validity.push(true);
        }
    }

    /// Ends a value of a type with offsets.
    fn end_offset(&mut self) -> Result<()> {
        let end = match self.data_type {
            DataType::Utf8 | DataType::Binary | DataType::LargeUtf8 | DataType::LargeBinary => {
                self.values.len()
            }
            DataType::List | DataType::LargeList | DataType::Map(_) => self.children[0].length,
            _ => return Ok(()),
        };
        if matches!(
            self.data_type,
            DataType::LargeUtf8 | DataType::LargeBinary | DataType::LargeList
        ) {
            self.offsets.extend_from_slice(&(end as i64).to_le_bytes());
            return Ok(());
        }
        let end = i32::try_from(end).map_err(|_| Error::fatal("a column holds more than 2 GiB"))?;
        self.offsets.extend_from_slice(&end.to_le_bytes());
        Ok(())
    }

    fn unfit(&self, what: &str) -> Error {
        Error::fatal(format!(
            "{what} does not fit into a column of {}",
            crate::types::type_name(&self.data_type)
        ))
    }

    /// Adds a value of a flat type.
    ///
    /// # Errors
    ///
    /// When it is of another type, or does not fit.
    pub fn push(&mut self, scalar: &Scalar<'_>) -> Result<()> {
        if scalar.is_null() {
            return self.push_null();
        }
        if let DataType::Dictionary(keys) = self.data_type {
            return self.push_key(keys, scalar);
        }
        self.push_bytes(scalar).ok_or_else(|| self.unfit(&format!("{scalar:?}")))?;
        self.set_valid();
        self.length += 1;
        self.end_offset()
    }

    /// Adds the key of a value, which is put into the dictionary where it is new.
    fn push_key(&mut self, keys: IndexType, scalar: &Scalar<'_>) -> Result<()> {
        let mut key = Vec::new();
        scalar.write_key(&mut key);
        let next = self.known.len() as u64;
        let place = match self.known.get(&key) {
            Some(place) => *place,
            None => {
                self.children[0].push(scalar)?;
                self.known.insert(key, next);
                next
            }
        };
        let width = key_width(keys);
        let is_signed = matches!(
            keys,
            IndexType::Int8 | IndexType::Int16 | IndexType::Int32 | IndexType::Int64
        );
        let bits = width as u32 * 8 - u32::from(is_signed);
        if bits < 64 && place >> bits != 0 {
            return Err(self.unfit("so many values"));
        }
        self.values.extend_from_slice(&place.to_le_bytes()[..width]);
        self.set_valid();
        self.length += 1;
        Ok(())
    }

    /// Adds the bytes of a value; none where it does not fit.
    fn push_bytes(&mut self, scalar: &Scalar<'_>) -> Option<()> {
        macro_rules! integer {
            ($value:expr, $native:ty) => {
                self.values.extend_from_slice(bytes_of(&<$native>::try_from($value).ok()?))
            };
        }
        match (&self.data_type, *scalar) {
            (DataType::Boolean, Scalar::Bool(value)) => self.bits.push(value),
            (DataType::Int8, Scalar::Int(value)) => integer!(value, i8),
            (DataType::Int16, Scalar::Int(value)) => integer!(value, i16),
            (DataType::Int32 | DataType::Date32 | DataType::Time32(_), Scalar::Int(value)) => {
                integer!(value, i32);
            }
            (
                DataType::Int64
                | DataType::Date64
                | DataType::Time64(_)
                | DataType::Timestamp(_)
                | DataType::Duration(_),
                Scalar::Int(value),
            ) => integer!(value, i64),
            (DataType::Uint8, Scalar::Int(value)) => integer!(value, u8),
            (DataType::Uint16, Scalar::Int(value)) => integer!(value, u16),
            (DataType::Uint32, Scalar::Int(value)) => integer!(value, u32),
            (DataType::Uint64, Scalar::Int(value)) => integer!(value, u64),
            (DataType::Float16, Scalar::Float(value)) => {
                self.values.extend_from_slice(&f16::from_f64(value).to_bits().to_le_bytes());
            }
            (DataType::Float32, Scalar::Float(value)) => {
                self.values.extend_from_slice(&(value as f32).to_le_bytes());
            }
            (DataType::Float64, Scalar::Float(value)) => {
                self.values.extend_from_slice(&value.to_le_bytes());
            }
            (DataType::Decimal32(to), Scalar::Decimal(value, scale)) if to.scale == scale => {
                integer!(value, i32);
            }
            (DataType::Decimal64(to), Scalar::Decimal(value, scale)) if to.scale == scale => {
                integer!(value, i64);
            }
            (DataType::Decimal128(to), Scalar::Decimal(value, scale)) if to.scale == scale => {
                self.values.extend_from_slice(&value.to_le_bytes());
            }
            (DataType::Decimal256(to), Scalar::Decimal256(value, scale)) if to.scale == scale => {
                self.values.extend_from_slice(&value);
            }
            (DataType::Utf8 | DataType::LargeUtf8, Scalar::Str(text)) => {
                self.values.extend_from_slice(text.as_bytes());
            }
            (DataType::Binary | DataType::LargeBinary, Scalar::Bytes(bytes)) => {
                self.values.extend_from_slice(bytes);
            }
            (DataType::FixedSizeBinary(size), Scalar::Bytes(bytes))
                if bytes.len() == *size as usize =>
            {
                self.values.extend_from_slice(bytes);
            }
            (DataType::Interval(unit), Scalar::Interval { months, days, nanos }) => match unit {
                IntervalUnit::YearMonth if days == 0 && nanos == 0 => {
                    self.values.extend_from_slice(&months.to_le_bytes());
                }
                IntervalUnit::DayTime if months == 0 && nanos % NANOS_IN_MILLI == 0 => {
                    let millis = i32::try_from(nanos / NANOS_IN_MILLI).ok()?;
                    self.values.extend_from_slice(&days.to_le_bytes());
                    self.values.extend_from_slice(&millis.to_le_bytes());
                }
                IntervalUnit::MonthDayNano => {
                    self.values.extend_from_slice(&months.to_le_bytes());
                    self.values.extend_from_slice(&days.to_le_bytes());
                    self.values.extend_from_slice(&nanos.to_le_bytes());
                }
                _ => return None,
            },
            _ => return None,
        }
        Some(())
    }

    /// Adds a list of the items that `items` pushes, or a map of entries, which are structs of key and value.
    ///
    /// # Errors
    ///
    /// Those of `items`; when this is no column of lists, or of lists of another size.
    pub fn push_list(&mut self, items: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let size = match self.data_type {
            DataType::List | DataType::LargeList | DataType::Map(_) => None,
            DataType::FixedSizeList(size) => Some(size as usize),
            _ => return Err(self.unfit("a list")),
        };
        let before = self.children[0].length;
        items(&mut self.children[0])?;
        if size.is_some_and(|size| self.children[0].length != before + size) {
            return Err(self.unfit("a list of another size"));
        }
        self.set_valid();
        self.length += 1;
        self.end_offset()
    }

    /// Adds a struct: `fields` pushes one value to each of its children, in their order.
    ///
    /// # Errors
    ///
    /// Those of `fields`; when this is no column of structs, or a child got none or several values.
    pub fn push_struct(&mut self, fields: impl FnOnce(&mut [Self]) -> Result<()>) -> Result<()> {
        if !matches!(self.data_type, DataType::Struct) {
            return Err(self.unfit("a struct"));
        }
        fields(&mut self.children)?;
        self.set_valid();
        self.length += 1;
        if self.children.iter().any(|child| child.length != self.length) {
            return Err(self.unfit("a struct of which not each field was pushed once"));
        }
        Ok(())
    }

    /// Adds a value of any type.
    ///
    /// # Errors
    ///
    /// When it is of another type, or does not fit.
    pub fn push_value(&mut self, value: &Value<'_>) -> Result<()> {
        match value {
            Value::Scalar(scalar) => self.push(scalar),
            Value::List(items) | Value::Map(items) => self
                .push_list(|builder| items.iter().try_for_each(|item| builder.push_value(&item))),
            Value::Struct(record) => self.push_struct(|children| {
                let mut values = record.iter();
                children.iter_mut().try_for_each(|child| match values.next() {
                    Some((_, value)) => child.push_value(&value),
                    None => child.push_null(),
                })
            }),
        }
    }
}

fn key_width(keys: IndexType) -> usize {
    match keys {
        IndexType::Int8 | IndexType::Uint8 => 1,
        IndexType::Int16 | IndexType::Uint16 => 2,
        IndexType::Int32 | IndexType::Uint32 => 4,
        IndexType::Int64 | IndexType::Uint64 => 8,
    }
}

fn interval_width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Interval(IntervalUnit::YearMonth) => Some(4),
        DataType::Interval(IntervalUnit::DayTime) => Some(8),
        DataType::Interval(IntervalUnit::MonthDayNano) => Some(16),
        _ => None,
    }
}
