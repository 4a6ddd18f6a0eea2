//! How many bytes Arrow makes of JSON that is hardly there: the guard against rows of wide nulls.
//!
//! In a column, a null takes as many bytes as a value does; in JSON it takes four letters, or none where the key is left out.
//! So `{}` can stand for megabytes, where many columns are declared, or values of a fixed size, for which the reader
//! makes room before it sees that a value is too short. This is added up before anything is made of the text. What
//! is there is bounded by the text itself.

use std::fmt;

use arrow::datatypes::{DataType, FieldRef};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What Arrow's JSON reader keeps for each value of a struct and of a list of a fixed size: where in the text it is.
const POSITION_BYTES: u64 = 4;

/// Whether the nulls of `rows` rows, and values of a fixed size, take more than `limit` bytes. `text` is a JSON array of so many elements.
pub(crate) fn exceeds(
    text: &str,
    fields: &[FieldRef],
    rows: usize,
    limit: u64,
) -> Result<bool, serde_json::Error> {
    // Mostly all of them could be null, and it would still be little.
    let in_rows = struct_bytes(fields).saturating_mul(rows as u64);
    let widest_item = fields.iter().map(|field| item_bytes(field.data_type())).max().unwrap_or(0);
    // An item and its comma.
    let in_items = widest_item.saturating_mul(text.len() as u64 / 2);
    if in_rows.saturating_add(in_items) <= limit {
        return Ok(false);
    }
    let mut bytes = 0;
    let row = Expected::Struct(fields);
    let rows = Elements { element: row, bytes: &mut bytes };
    rows.deserialize(&mut serde_json::Deserializer::from_str(text))?;
    Ok(bytes > limit)
}

/// What a null of this type takes.
fn null_bytes(data_type: &DataType) -> u64 {
    let own = match data_type {
        DataType::FixedSizeBinary(size) => u64::from(size.unsigned_abs()),
        DataType::FixedSizeList(item, size) => {
            null_bytes(item.data_type()).saturating_mul(u64::from(size.unsigned_abs()))
        }
        DataType::Struct(fields) => struct_bytes(fields),
        DataType::Dictionary(key, _) => key.primitive_width().unwrap_or(8) as u64,
        // Offsets have 8 bytes at most, and bits one.
        other => other.primitive_width().unwrap_or(8) as u64,
    };
    own.saturating_add(POSITION_BYTES)
}

fn struct_bytes(fields: &[FieldRef]) -> u64 {
    fields.iter().map(|field| null_bytes(field.data_type())).fold(0, u64::saturating_add)
}

/// What a null takes at most where there can be any number of them: in a list, or in a map.
fn item_bytes(data_type: &DataType) -> u64 {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::Map(item, _)
        | DataType::FixedSizeList(item, _) => {
            null_bytes(item.data_type()).max(item_bytes(item.data_type()))
        }
        DataType::Struct(fields) => {
            fields.iter().map(|field| item_bytes(field.data_type())).max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// What is to be read.
#[derive(Clone, Copy)]
enum Expected<'a> {
    Value(&'a DataType),
    Struct(&'a [FieldRef]),
}

impl<'a> Expected<'a> {
    fn of(data_type: &'a DataType) -> Self {
        match data_type {
            DataType::Struct(fields) => Self::Struct(fields),
            other => Self::Value(other),
        }
    }

    fn null_bytes(self) -> u64 {
        match self {
            Self::Value(data_type) => null_bytes(data_type),
            Self::Struct(fields) => struct_bytes(fields),
        }
    }

    /// What is made room for, whatever the value.
    fn fixed_bytes(self) -> u64 {
        match self {
            Self::Value(DataType::FixedSizeBinary(size)) => u64::from(size.unsigned_abs()),
            Self::Value(DataType::FixedSizeList(_, size)) => {
                POSITION_BYTES * u64::from(size.unsigned_abs())
            }
            Self::Value(_) | Self::Struct(_) => 0,
        }
    }
}

/// One value, whose nulls are added to `bytes`.
struct Counted<'a> {
    expected: Expected<'a>,
    bytes: &'a mut u64,
}

impl Counted<'_> {
    fn add(&mut self, bytes: u64) {
        *self.bytes = self.bytes.saturating_add(bytes);
    }

    /// For a value without elements, be it of the type expected or not.
    fn scalar<E>(mut self) -> Result<(), E> {
        self.add(self.expected.fixed_bytes());
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Counted<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.add(self.expected.null_bytes());
        Ok(())
    }

    fn visit_bool<E>(self, _value: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E>(self, _value: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E>(self, _value: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E>(self, _value: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E>(self, _value: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, elements: A) -> Result<(), A::Error> {
        self.add(self.expected.fixed_bytes());
        let element = match self.expected {
            Expected::Value(
                DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _),
            ) => Expected::of(item.data_type()),
            // The reader refuses it.
            _ => Expected::Value(&DataType::Null),
        };
        Elements { element, bytes: self.bytes }.visit_seq(elements)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.add(self.expected.fixed_bytes());
        let Expected::Struct(fields) = self.expected else {
            let value = match self.expected {
                Expected::Value(DataType::Map(entry, _)) => map_value(entry.data_type()),
                _ => &DataType::Null,
            };
            while entries.next_key::<IgnoredAny>()?.is_some() {
                let expected = Expected::of(value);
                entries.next_value_seed(Counted { expected, bytes: self.bytes })?;
            }
            return Ok(());
        };
        let mut is_there = vec![false; fields.len()];
        while let Some(key) = entries.next_key::<String>()? {
            let position = fields.iter().position(|field| *field.name() == key);
            let expected = match position {
                Some(position) => {
                    is_there[position] = true;
                    Expected::of(fields[position].data_type())
                }
                // The reader refuses it.
                None => Expected::Value(&DataType::Null),
            };
            entries.next_value_seed(Counted { expected, bytes: self.bytes })?;
        }
        let missing = fields.iter().zip(is_there).filter(|(_, is_there)| !is_there);
        let bytes = missing.map(|(field, _)| null_bytes(field.data_type()));
        let bytes = bytes.fold(0, u64::saturating_add);
        self.add(bytes);
        Ok(())
    }
}

fn map_value(entry: &DataType) -> &DataType {
    match entry {
        DataType::Struct(pair) => pair.last().map_or(&DataType::Null, |value| value.data_type()),
        _ => &DataType::Null,
    }
}

/// The elements of an array.
struct Elements<'a> {
    element: Expected<'a>,
    bytes: &'a mut u64,
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let expected = self.element;
        while elements.next_element_seed(Counted { expected, bytes: self.bytes })?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, Fields};

    use super::*;

    /// How many bytes nulls take in `text`, to the byte.
    fn bytes(text: &str, data_type: DataType) -> u64 {
        let fields = [Arc::new(Field::new("a", data_type, true))];
        let rows = serde_json::from_str::<Vec<IgnoredAny>>(text).unwrap().len();
        let exceeds = |limit| exceeds(text, &fields, rows, limit).unwrap();
        (0..10_000).find(|&limit| !exceeds(limit)).unwrap()
    }

    #[test]
    fn nulls_count_for_what_they_take() {
        let wide = DataType::FixedSizeBinary(100);
        let item = |data_type| Arc::new(Field::new("item", data_type, true));
        let list = DataType::List(item(wide.clone()));
        let fixed = DataType::FixedSizeList(item(DataType::Int64), 3);
        let pair = Fields::from(vec![
            Field::new("x", wide.clone(), true),
            Field::new("y", DataType::Int32, true),
        ]);
        let map = DataType::Map(item(DataType::Struct(pair.clone())), false);
        for (text, data_type, expected) in [
            ("[{}]", wide.clone(), 104),
            (r#"[{"a":null},{}]"#, wide.clone(), 208),
            (r#"[{"a":"00"}]"#, wide.clone(), 100),
            (r#"[{"a":7}]"#, wide, 100),
            (r#"[{"a":[null,null,"00"]}]"#, list, 308),
            ("[{}]", fixed.clone(), 3 * 12 + 4),
            (r#"[{"a":[1,null,2]}]"#, fixed, 3 * 4 + 12),
            (r#"[{"a":{"y":1}}]"#, DataType::Struct(pair.clone()), 104),
            (r#"[{"a":{"y":1,"y":2}}]"#, DataType::Struct(pair.clone()), 104),
            (r#"[{"a":{}}]"#, DataType::Struct(pair), 112),
            (r#"[{"a":{"k":null,"l":1}}]"#, map, 8),
            ("[{},{}]", DataType::Utf8, 24),
        ] {
            assert_eq!(bytes(text, data_type), expected, "{text}");
        }
    }
}
