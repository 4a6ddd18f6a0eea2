//! Columns that hold each value once, in a dictionary, and for each row the number of its value.
//!
//! That is how they cross, and how they pass by a plugin that keeps them. For a plugin that reads one, it is made into the column
//! that it stands for, so that plugins know of no dictionaries.

use bytemuck::{Pod, cast_slice};

use crate::bindings::types::{DataType, IndexType, Node};
use crate::bitmap::{Bitmap, bit};
use crate::column::aligned;
use crate::error::{Error, Result};

/// The types of a column with a dictionary.
#[derive(Debug, Clone)]
pub(crate) struct Dictionary {
    pub(crate) keys: IndexType,
    pub(crate) values: DataType,
}

impl Dictionary {
    /// The plain column of a node of keys and its dictionary. The host promises keys within the dictionary where there is
    /// no null.
    pub(crate) fn plain(&self, keys: &Node, values: &Node) -> Result<Node> {
        let rows = rows(self.keys, keys);
        let is_valid =
            |node: &Node, row: usize| node.validity.is_empty() || bit(&node.validity, row);
        let validity = (!keys.validity.is_empty() || !values.validity.is_empty()).then(|| {
            Bitmap::from_fn(rows.len(), |row| is_valid(keys, row) && is_valid(values, rows[row]))
        });
        // What a key is where the row is null, nobody promises.
        let rows: Vec<Option<usize>> = match &validity {
            Some(validity) => {
                let rows = rows.iter().enumerate();
                rows.map(|(row, &value)| validity.get(row).then_some(value)).collect()
            }
            None => rows.into_iter().map(Some).collect(),
        };
        let (offsets, bytes) = match &self.values {
            DataType::Null => (Vec::new(), Vec::new()),
            DataType::Boolean => {
                let is_set = |row: usize| rows[row].is_some_and(|value| bit(&values.values, value));
                (Vec::new(), Bitmap::from_fn(rows.len(), is_set).into_bytes())
            }
            DataType::Utf8 | DataType::Binary => gather_texts::<i32>(values, &rows)?,
            DataType::LargeUtf8 | DataType::LargeBinary => gather_texts::<i64>(values, &rows)?,
            data_type => {
                let width = width(data_type).ok_or_else(|| {
                    Error::fatal("a dictionary of nested values cannot be read by this plugin")
                })?;
                (Vec::new(), gather(&values.values, width, &rows))
            }
        };
        Ok(Node {
            length: keys.length,
            validity: validity
                .filter(|validity| !validity.is_all_set())
                .map_or_else(Vec::new, Bitmap::into_bytes),
            offsets,
            values: bytes,
        })
    }
}

/// Which value of the dictionary each row has; arbitrary where it is null.
pub(crate) fn rows(keys: IndexType, node: &Node) -> Vec<usize> {
    fn read<T: Pod + TryInto<usize>>(node: &Node) -> Vec<usize> {
        let keys = aligned::<T>(&node.values[..node.length as usize * size_of::<T>()]);
        keys.iter().map(|&key| key.try_into().unwrap_or(usize::MAX)).collect()
    }
    match keys {
        IndexType::Int8 => read::<i8>(node),
        IndexType::Int16 => read::<i16>(node),
        IndexType::Int32 => read::<i32>(node),
        IndexType::Int64 => read::<i64>(node),
        IndexType::Uint8 => read::<u8>(node),
        IndexType::Uint16 => read::<u16>(node),
        IndexType::Uint32 => read::<u32>(node),
        IndexType::Uint64 => read::<u64>(node),
    }
}

fn gather(values: &[u8], width: usize, rows: &[Option<usize>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * width);
    for row in rows {
        match row {
            Some(value) => bytes.extend_from_slice(&values[value * width..(value + 1) * width]),
            None => bytes.resize(bytes.len() + width, 0),
        }
    }
    bytes
}

/// Offsets and bytes.
fn gather_texts<O: Pod + TryInto<usize> + TryFrom<usize>>(
    values: &Node,
    rows: &[Option<usize>],
) -> Result<(Vec<u8>, Vec<u8>)> {
    let starts = aligned::<O>(&values.offsets[..(values.length as usize + 1) * size_of::<O>()]);
    let start = |value: usize| starts[value].try_into().unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    let mut ends = Vec::with_capacity(rows.len() + 1);
    let too_long =
        |_| Error::fatal("the texts of a column with a dictionary are too long together");
    ends.push(O::try_from(0).map_err(too_long)?);
    for row in rows {
        if let Some(value) = *row {
            bytes.extend_from_slice(&values.values[start(value)..start(value + 1)]);
        }
        ends.push(O::try_from(bytes.len()).map_err(too_long)?);
    }
    Ok((cast_slice(&ends).to_vec(), bytes))
}

/// The bytes of a value of a type of one width.
pub(crate) fn width(data_type: &DataType) -> Option<usize> {
    Some(match data_type {
        DataType::Int8 | DataType::Uint8 => 1,
        DataType::Int16 | DataType::Uint16 | DataType::Float16 => 2,
        DataType::Int32
        | DataType::Uint32
        | DataType::Float32
        | DataType::Date32
        | DataType::Time32(_)
        | DataType::Decimal32(_) => 4,
        DataType::Int64
        | DataType::Uint64
        | DataType::Float64
        | DataType::Date64
        | DataType::Time64(_)
        | DataType::Timestamp(_)
        | DataType::Duration(_)
        | DataType::Decimal64(_) => 8,
        DataType::Decimal128(_) => 16,
        DataType::Decimal256(_) => 32,
        DataType::FixedSizeBinary(size) => *size as usize,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::any::AnyColumn;

    fn keys(keys: &[u8], validity: &[u8]) -> Node {
        Node {
            length: keys.len() as u32,
            validity: validity.to_vec(),
            offsets: Vec::new(),
            values: keys.to_vec(),
        }
    }

    fn read(data_type: DataType, keys: &Node, values: &Node) -> (Node, Vec<String>) {
        let dictionary = Dictionary { keys: IndexType::Uint8, values: data_type.clone() };
        let plain = dictionary.plain(keys, values).unwrap();
        let column = AnyColumn::new(&data_type, &plain).unwrap();
        let shown = (0..column.len()).map(|row| column.value(row).to_string()).collect();
        (plain, shown)
    }

    #[test]
    fn texts_are_put_where_their_keys_are() {
        let offsets = [0_i32, 1, 1, 4];
        let values = Node {
            length: 3,
            validity: Vec::new(),
            offsets: cast_slice(&offsets).to_vec(),
            values: b"abcd".to_vec(),
        };
        let (plain, shown) = read(DataType::Utf8, &keys(&[2, 0, 1, 2], &[]), &values);
        assert_eq!(shown, ["bcd", "a", "", "bcd"]);
        assert!(plain.validity.is_empty());
        // A null row's key may be anything.
        let (_, shown) = read(DataType::Utf8, &keys(&[2, 99, 0], &[0b101]), &values);
        assert_eq!(shown, ["bcd", "null", "a"]);
    }

    #[test]
    fn values_may_be_null_in_the_dictionary() {
        let values = Node {
            length: 2,
            validity: vec![0b10],
            offsets: Vec::new(),
            values: cast_slice(&[0_i64, 7]).to_vec(),
        };
        let (plain, shown) = read(DataType::Int64, &keys(&[1, 0, 1], &[]), &values);
        assert_eq!(
            (shown, plain.validity),
            (vec!["7".into(), "null".into(), "7".into()], vec![0b101])
        );
    }

    #[test]
    fn booleans_are_bits() {
        let values =
            Node { length: 2, validity: Vec::new(), offsets: Vec::new(), values: vec![0b01] };
        let (_, shown) = read(DataType::Boolean, &keys(&[0, 1, 0], &[]), &values);
        assert_eq!(shown, ["true", "false", "true"]);
    }
}
