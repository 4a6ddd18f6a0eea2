//! Random types and arrays of every type that crosses, for property tests.

use std::sync::Arc;

use arrow::array::{ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, TimeUnit};
use proptest::prelude::*;
use proptest::test_runner::TestRng;

/// A type without children.
pub fn flat_type() -> impl Strategy<Value = DataType> {
    use DataType::*;
    let zone = prop::option::of(prop::sample::select(vec!["UTC", "Europe/Berlin", "+02:00"]));
    prop_oneof![
        3 => prop::sample::select(vec![
            Null, Boolean, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float16,
            Float32, Float64, Date32, Date64, Time32(TimeUnit::Second),
            Time32(TimeUnit::Millisecond), Time64(TimeUnit::Microsecond),
            Time64(TimeUnit::Nanosecond), Duration(TimeUnit::Second),
            Interval(IntervalUnit::YearMonth), Interval(IntervalUnit::DayTime),
            Interval(IntervalUnit::MonthDayNano),
        ]),
        3 => prop::sample::select(vec![Utf8, LargeUtf8, Binary, LargeBinary]),
        1 => (1..20_i32).prop_map(FixedSizeBinary),
        1 => zone.prop_map(|zone| Timestamp(TimeUnit::Microsecond, zone.map(Arc::from))),
        1 => (2..=9_u8).prop_map(|precision| Decimal32(precision, 2)),
        1 => (2..=18_u8).prop_map(|precision| Decimal64(precision, 2)),
        1 => (2..=38_u8).prop_map(|precision| Decimal128(precision, 2)),
        1 => (2..=76_u8).prop_map(|precision| Decimal256(precision, 2)),
    ]
}

/// Any type that crosses, nested up to three levels.
pub fn any_type() -> impl Strategy<Value = DataType> {
    let leaf = prop_oneof![
        4 => flat_type(),
        1 => (key_type(), flat_type()).prop_map(|(key, values)| {
            DataType::Dictionary(Box::new(key), Box::new(values))
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let item = || field("item", inner.clone());
        prop_oneof![
            item().prop_map(DataType::List),
            item().prop_map(DataType::LargeList),
            (item(), 1..4_i32).prop_map(|(item, size)| DataType::FixedSizeList(item, size)),
            prop::collection::vec((inner.clone(), any::<bool>()), 0..3).prop_map(|children| {
                let children = children.into_iter().enumerate();
                DataType::Struct(Fields::from_iter(children.map(
                    |(index, (data_type, nullable))| {
                        let nullable = nullable || is_all_null(&data_type);
                        Field::new(format!("field{index}"), data_type, nullable)
                    },
                )))
            }),
            (flat_key(), field("value", inner.clone()), any::<bool>()).prop_map(
                |(key, value, sorted)| {
                    let pair = DataType::Struct(Fields::from(vec![key, value]));
                    DataType::Map(Arc::new(Field::new("entries", pair, false)), sorted)
                }
            ),
        ]
    })
}

fn field(
    name: &'static str,
    data_type: impl Strategy<Value = DataType>,
) -> impl Strategy<Value = FieldRef> {
    (data_type, any::<bool>()).prop_map(move |(data_type, nullable)| {
        let nullable = nullable || is_all_null(&data_type);
        Arc::new(Field::new(name, data_type, nullable))
    })
}

/// Whether all values of the type are null, so that its field cannot be declared without.
fn is_all_null(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null => true,
        DataType::Dictionary(_, values) => is_all_null(values),
        _ => false,
    }
}

fn flat_key() -> impl Strategy<Value = FieldRef> {
    flat_type()
        .prop_filter("keys are not null", |data_type| *data_type != DataType::Null)
        .prop_map(|data_type| Arc::new(Field::new("key", data_type, false)))
}

fn key_type() -> impl Strategy<Value = DataType> {
    use DataType::*;
    prop::sample::select(vec![Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64])
}

/// An array of any type that crosses, of `rows` values.
pub fn any_array(rows: usize) -> impl Strategy<Value = ArrayRef> {
    any_type().prop_perturb(move |data_type, mut random| array(&data_type, rows, &mut random))
}

/// A batch of up to four columns, cut out of a larger one, so that offsets and bitmaps start anywhere.
pub fn any_batch() -> impl Strategy<Value = RecordBatch> {
    let columns = prop::collection::vec(any_type(), 0..4);
    (columns, 0..40_usize, 0..20_usize, 0..20_usize).prop_perturb(
        |(types, rows, before, after), mut random| {
            let whole = before + rows + after;
            let columns: Vec<ArrayRef> =
                types.iter().map(|data_type| array(data_type, whole, &mut random)).collect();
            let fields = columns.iter().enumerate().map(|(index, column)| {
                let nullable = column.logical_null_count() > 0 || random.random();
                Field::new(format!("column{index}"), column.data_type().clone(), nullable)
            });
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let options = RecordBatchOptions::new().with_row_count(Some(whole));
            RecordBatch::try_new_with_options(schema, columns, &options)
                .expect("columns of the schema")
                .slice(before, rows)
        },
    )
}

/// An array of random values, a part of them null.
fn array(data_type: &DataType, rows: usize, random: &mut TestRng) -> ArrayRef {
    let nullable = random.random();
    make_array(data(data_type, rows, nullable, random))
}

fn data(data_type: &DataType, rows: usize, nullable: bool, random: &mut TestRng) -> ArrayData {
    let mut builder = ArrayData::builder(data_type.clone()).len(rows);
    if nullable && *data_type != DataType::Null {
        builder = builder.null_bit_buffer(Some(bytes(rows.div_ceil(8), random)));
    }
    builder = match data_type {
        DataType::Null => builder,
        DataType::Boolean => builder.add_buffer(bytes(rows.div_ceil(8), random)),
        DataType::Utf8 | DataType::Binary => {
            let (offsets, text) = text(rows, random);
            builder
                .add_buffer(offsets.iter().map(|&offset| offset as i32).collect())
                .add_buffer(text)
        }
        DataType::LargeUtf8 | DataType::LargeBinary => {
            let (offsets, text) = text(rows, random);
            builder
                .add_buffer(offsets.iter().map(|&offset| offset as i64).collect())
                .add_buffer(text)
        }
        DataType::List(item) | DataType::Map(item, _) => {
            let offsets = offsets(rows, 3, random);
            let child = data(item.data_type(), offsets[rows], item.is_nullable(), random);
            builder
                .add_buffer(offsets.iter().map(|&offset| offset as i32).collect())
                .add_child_data(child)
        }
        DataType::LargeList(item) => {
            let offsets = offsets(rows, 3, random);
            let child = data(item.data_type(), offsets[rows], item.is_nullable(), random);
            builder
                .add_buffer(offsets.iter().map(|&offset| offset as i64).collect())
                .add_child_data(child)
        }
        DataType::FixedSizeList(item, size) => {
            let child = data(item.data_type(), rows * *size as usize, item.is_nullable(), random);
            builder.add_child_data(child)
        }
        DataType::Struct(fields) => fields.iter().fold(builder, |builder, field| {
            builder.add_child_data(data(field.data_type(), rows, field.is_nullable(), random))
        }),
        DataType::Dictionary(key, values) => {
            let width = key.primitive_width().expect("keys are integers");
            let count = random.random_range(1..6_usize);
            let mut keys = vec![0; rows * width];
            for key in keys.chunks_exact_mut(width) {
                key[0] = random.random_range(0..count) as u8;
            }
            // Null values make the array nullable, whatever its own nulls are.
            let values = data(values, count, nullable && random.random(), random);
            builder.add_buffer(keys.into()).add_child_data(values)
        }
        DataType::FixedSizeBinary(size) => builder.add_buffer(bytes(rows * *size as usize, random)),
        decimal if decimal.is_decimal() => {
            // One digit, with its sign extended to the width: within every precision.
            let width = decimal.primitive_width().expect("decimals have a width");
            let digits = (0..rows).map(|_| random.random_range(-9..10_i8)).collect::<Vec<_>>();
            let extended = digits.iter().flat_map(|&digit| {
                let sign = if digit < 0 { 0xff } else { 0 };
                std::iter::once(digit as u8).chain(std::iter::repeat_n(sign, width - 1))
            });
            builder.add_buffer(Buffer::from_vec(extended.collect::<Vec<u8>>()))
        }
        fixed_width => {
            let width = fixed_width.primitive_width().expect("all other types have their own arm");
            builder.add_buffer(bytes(rows * width, random))
        }
    };
    builder.align_buffers(true).build().expect("a valid array")
}

fn bytes(count: usize, random: &mut TestRng) -> Buffer {
    let mut bytes = vec![0; count];
    random.fill_bytes(&mut bytes);
    bytes.into()
}

/// `rows + 1` offsets that never fall, with up to `longest` values between them.
fn offsets(rows: usize, longest: usize, random: &mut TestRng) -> Vec<usize> {
    let mut offsets = vec![0];
    for row in 0..rows {
        offsets.push(offsets[row] + random.random_range(0..=longest));
    }
    offsets
}

/// Offsets and UTF-8 text of one to four bytes a character.
fn text(rows: usize, random: &mut TestRng) -> (Vec<usize>, Buffer) {
    const CHARACTERS: [char; 4] = ['a', 'é', '€', '𝄞'];
    let (mut offsets, mut text) = (vec![0], String::new());
    for _ in 0..rows {
        for _ in 0..random.random_range(0..4_usize) {
            text.push(CHARACTERS[random.random_range(0..CHARACTERS.len())]);
        }
        offsets.push(text.len());
    }
    (offsets, Buffer::from_vec(text.into_bytes()))
}
