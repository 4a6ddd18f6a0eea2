//! A column of every type that crosses, with its extremes, with nulls and without.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray,
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    IntervalDayTimeArray, IntervalMonthDayNanoArray, LargeBinaryArray, LargeListArray,
    LargeStringArray, ListArray, MapArray, NullArray, PrimitiveArray, RecordBatch, StringArray,
    StringViewArray, StructArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array, make_array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Field,
    Fields, IntervalDayTime, IntervalMonthDayNano, IntervalUnit, Schema, TimeUnit, i256,
};
use arrow_ipc::reader::StreamReader;

use crate::tables::ROWS;

/// A column under a name that says which type it has.
pub type Named = (String, ArrayRef);

/// How many rows the columns have: a case cuts [`ROWS`] out of their middle.
const LENGTH: usize = ROWS as usize + 13;

/// Columns of all types that have no children.
pub fn flat() -> Vec<Named> {
    let mut all = Vec::new();
    let mut add = |name: &str, array: ArrayRef| all.push((name.to_owned(), array));
    add("null", Arc::new(NullArray::new(LENGTH)));
    add("boolean", values(|row| Some(row % 3 == 0), BooleanArray::from));
    macro_rules! integers {
        ($($name:literal $array:ident $native:ty;)*) => {$(
            add($name, values(
                |row| Some(match row % 5 { 0 => <$native>::MIN, 1 => <$native>::MAX, _ => (row % 100) as $native }),
                $array::from,
            ));
        )*};
    }
    integers! {
        "int8" Int8Array i8; "int16" Int16Array i16; "int32" Int32Array i32; "int64" Int64Array i64;
        "uint8" UInt8Array u8; "uint16" UInt16Array u16; "uint32" UInt32Array u32; "uint64" UInt64Array u64;
    }
    let float = |row: usize| match row % 8 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => -0.0,
        4 => f64::MIN_POSITIVE,
        _ => row as f64 / 8.0,
    };
    add(
        "float64",
        values(|row| Some(if row == 5 { f64::MAX } else { float(row) }), Float64Array::from),
    );
    add(
        "float32",
        values(|row| Some(if row == 5 { f32::MAX } else { float(row) as f32 }), Float32Array::from),
    );
    let halves = Arc::new(Float32Array::from_iter(
        (0..LENGTH).map(|row| valid(row).then(|| float(row) as f32)),
    )) as ArrayRef;
    add("float16", cast(&halves, &DataType::Float16).expect("half floats"));
    let text = |row: usize| TEXTS[row % TEXTS.len()];
    add("utf8", values(|row| Some(text(row)), StringArray::from));
    add("large-utf8", values(|row| Some(text(row)), LargeStringArray::from));
    add(
        "utf8-view",
        Arc::new(StringViewArray::from_iter((0..LENGTH).map(|row| valid(row).then(|| text(row))))),
    );
    let bytes = |row: usize| BYTES[row % BYTES.len()];
    add("binary", values(|row| Some(bytes(row)), BinaryArray::from));
    add("large-binary", values(|row| Some(bytes(row)), LargeBinaryArray::from));
    add("fixed-size-binary", {
        let three = (0..LENGTH).map(|row| valid(row).then_some([row as u8, 255, 0]));
        Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(three, 3)
                .expect("three bytes each"),
        )
    });
    // As integers first: every bit pattern that the type allows.
    let days = values(|row| Some(-700_000 + 11_003 * row as i32), Int32Array::from);
    let small = values(|row| Some((row * 599) as i32 % 86_400), Int32Array::from);
    let large = values(|row| Some((row as i64 * 599_000_123) % 86_400_000_000), Int64Array::from);
    let instants = values(|row| Some(-4_000_000_000 + 63_072_123 * row as i64), Int64Array::from);
    let retyped = |array: &ArrayRef, data_type: DataType| -> ArrayRef {
        let data = array.to_data().into_builder().data_type(data_type);
        make_array(data.build().expect("another type of the same width"))
    };
    add("date32", retyped(&days, DataType::Date32));
    let midnights = values(|row| Some(86_400_000 * (row as i64 - 70)), Int64Array::from);
    add("date64", retyped(&midnights, DataType::Date64));
    for (name, unit) in [("s", TimeUnit::Second), ("ms", TimeUnit::Millisecond)] {
        add(&format!("time32-{name}"), retyped(&small, DataType::Time32(unit)));
    }
    for (name, unit) in [("us", TimeUnit::Microsecond), ("ns", TimeUnit::Nanosecond)] {
        add(&format!("time64-{name}"), retyped(&large, DataType::Time64(unit)));
    }
    for (name, unit) in UNITS {
        for (zone_name, zone) in [
            ("", None),
            ("-berlin", Some("Europe/Berlin")),
            ("-offset", Some("+05:30")),
            ("-utc", Some("UTC")),
        ] {
            let data_type = DataType::Timestamp(unit, zone.map(Into::into));
            add(&format!("timestamp-{name}{zone_name}"), retyped(&instants, data_type));
        }
        add(&format!("duration-{name}"), retyped(&instants, DataType::Duration(unit)));
    }
    add("interval-year-month", retyped(&small, DataType::Interval(IntervalUnit::YearMonth)));
    add(
        "interval-day-time",
        values(
            |row| Some(IntervalDayTime::new(row as i32 - 50, -(row as i32))),
            IntervalDayTimeArray::from,
        ),
    );
    let months = |row: usize| {
        Some(IntervalMonthDayNano::new(row as i32 - 50, -(row as i32), i64::MIN + row as i64))
    };
    add("interval-month-day-nano", values(months, IntervalMonthDayNanoArray::from));
    add("decimal32", Arc::new(decimals::<Decimal32Type>(|row| 999_999_999 - row as i32, 9, 2)));
    add(
        "decimal64",
        Arc::new(decimals::<Decimal64Type>(|row| -999_999_999_999_999_999 + row as i64, 18, 6)),
    );
    let wide = |row: usize| match row % 3 {
        0 => 10_i128.pow(38) - 1 - row as i128,
        1 => 1 - 10_i128.pow(38),
        _ => row as i128,
    };
    add("decimal128", Arc::new(decimals::<Decimal128Type>(wide, 38, 10)));
    add(
        "decimal128-negative-scale",
        Arc::new(decimals::<Decimal128Type>(|row| row as i128, 10, -3)),
    );
    let widest = |row: usize| match row % 3 {
        0 => i256::from_string(&format!("{}{}", "9".repeat(70), 100_000 + row)).expect("a number"),
        1 => i256::from_string(&format!("-{}", "9".repeat(76))).expect("a number"),
        _ => i256::from_i128(row as i128),
    };
    add("decimal256", Arc::new(decimals::<Decimal256Type>(widest, 76, 20)));
    all
}

/// Columns of all types that have children, dictionaries included.
pub fn nested() -> Vec<Named> {
    let mut all = Vec::new();
    let mut add = |name: &str, array: ArrayRef| all.push((name.to_owned(), array));
    let items = |length: usize| -> ArrayRef {
        Arc::new(Int64Array::from_iter((0..length).map(|row| (row % 4 != 1).then_some(row as i64))))
    };
    let strings = |length: usize| -> ArrayRef {
        Arc::new(StringArray::from_iter(
            (0..length).map(|row| (row % 6 != 5).then(|| TEXTS[row % TEXTS.len()])),
        ))
    };
    let lengths = || (0..LENGTH).map(|row| row % 4);
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths());
    let total = *offsets.last().expect("one offset at least") as usize;
    let nulls = || Some(NullBuffer::from_iter((0..LENGTH).map(valid)));
    let item = |data_type: DataType| Arc::new(Field::new("item", data_type, true));
    let list = ListArray::new(item(DataType::Int64), offsets.clone(), items(total), nulls());
    add("list", Arc::new(list.clone()));
    let large = OffsetBuffer::<i64>::from_lengths(lengths());
    add(
        "large-list",
        Arc::new(LargeListArray::new(item(DataType::Utf8), large, strings(total), nulls())),
    );
    let pairs =
        Arc::new(Float64Array::from_iter_values((0..2 * LENGTH).map(|row| row as f64))) as ArrayRef;
    add(
        "fixed-size-list",
        Arc::new(FixedSizeListArray::new(item(DataType::Float64), 2, pairs, nulls())),
    );
    let fields = |fields: Vec<(&str, &ArrayRef)>| -> Fields {
        fields
            .into_iter()
            .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
            .collect()
    };
    let (number, name) = (items(LENGTH), strings(LENGTH));
    let record = StructArray::new(
        fields(vec![("number", &number), ("name", &name)]),
        vec![number.clone(), name.clone()],
        nulls(),
    );
    add("struct", Arc::new(record));
    let keys: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..total).map(|row| format!("key {row}"))));
    let map_values = items(total);
    let entries = Fields::from(vec![
        Field::new("keys", DataType::Utf8, false),
        Field::new("values", DataType::Int64, true),
    ]);
    let entries = StructArray::new(entries, vec![keys, map_values], None);
    let entries_field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    add("map", Arc::new(MapArray::new(entries_field, offsets.clone(), entries, nulls(), false)));
    // Lists of structs of lists: as deep as orders with lines with tags.
    let inner = OffsetBuffer::<i32>::from_lengths((0..total).map(|row| row % 3));
    let tags = ListArray::new(
        item(DataType::Utf8),
        inner.clone(),
        strings(*inner.last().expect("an offset") as usize),
        None,
    );
    let (quantity, tags): (ArrayRef, ArrayRef) = (items(total), Arc::new(tags));
    let lines = StructArray::new(
        fields(vec![("quantity", &quantity), ("tags", &tags)]),
        vec![quantity.clone(), tags.clone()],
        None,
    );
    add(
        "list-of-structs",
        Arc::new(ListArray::new(
            item(lines.data_type().clone()),
            offsets,
            Arc::new(lines),
            nulls(),
        )),
    );
    let bools: ArrayRef = Arc::new(BooleanArray::from_iter(
        (0..LENGTH).map(|row| (row % 5 != 2).then_some(row % 2 == 0)),
    ));
    let dates =
        cast(&values(|row| Some(row as i32), Int32Array::from), &DataType::Date32).expect("days");
    let mixed = StructArray::new(
        fields(vec![("flag", &bools), ("day", &dates), ("list", &(Arc::new(list) as ArrayRef))]),
        vec![bools.clone(), dates.clone(), all[0].1.clone()],
        nulls(),
    );
    let mut add = |name: &str, array: ArrayRef| all.push((name.to_owned(), array));
    add("struct-of-lists", Arc::new(mixed));
    let few: ArrayRef =
        Arc::new(StringArray::from_iter((0..LENGTH).map(|row| valid(row).then(|| TEXTS[row % 5]))));
    for (name, keys) in [
        ("int8", DataType::Int8),
        ("uint16", DataType::UInt16),
        ("int32", DataType::Int32),
        ("uint64", DataType::UInt64),
    ] {
        let data_type = DataType::Dictionary(Box::new(keys), Box::new(DataType::Utf8));
        add(&format!("dictionary-{name}"), cast(&few, &data_type).expect("few values"));
    }
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter(
        (0..LENGTH).map(|row| valid(row).then_some(row as i64 % 3)),
    ));
    let data_type = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Int64));
    add("dictionary-of-int64", cast(&numbers, &data_type).expect("few values"));
    all
}

/// The columns of golden files, which another implementation of Arrow wrote: see `golden/README.md`.
///
/// # Errors
///
/// When a file cannot be read.
pub fn golden(folder: &Path) -> Result<Vec<(String, RecordBatch)>, String> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "arrows"))
        .collect();
    files.sort();
    let mut batches = Vec::new();
    for path in files {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let file = File::open(&path).map_err(|error| failed(&error))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for batch in
            StreamReader::try_new(BufReader::new(file), None).map_err(|error| failed(&error))?
        {
            batches.push((name.clone(), batch.map_err(|error| failed(&error))?));
        }
    }
    Ok(batches)
}

/// A batch of one column; its field has metadata, and its nullability is what the column needs.
pub fn batch_of(name: &str, column: &ArrayRef) -> RecordBatch {
    let metadata = HashMap::from([
        ("unit".to_owned(), "mètres".to_owned()),
        ("PII".to_owned(), "none".to_owned()),
    ]);
    let is_nullable = column.is_nullable() || *column.data_type() == DataType::Null;
    let field = Field::new(name, column.data_type().clone(), is_nullable).with_metadata(metadata);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![column.clone()])
        .expect("one column")
}

/// The column without its nulls; none where it is nothing but nulls.
pub fn without_nulls(column: &ArrayRef) -> Option<ArrayRef> {
    let is_valid: BooleanArray = (0..column.len()).map(|row| Some(column.is_valid(row))).collect();
    let kept = arrow::compute::filter(column, &is_valid).ok()?;
    (!kept.is_empty() && *column.data_type() != DataType::Null).then_some(kept)
}

const TEXTS: [&str; 8] = [
    "plain",
    "",
    "héllo wörld",
    "日本語テキスト",
    "🦀",
    "tab\t\"quote\" back\\slash\nline",
    "\u{0}",
    "e\u{301}\u{10ffff}",
];
const BYTES: [&[u8]; 5] = [b"plain", b"", &[0, 255, 128], "héllo".as_bytes(), &[0]];
const UNITS: [(&str, TimeUnit); 4] = [
    ("s", TimeUnit::Second),
    ("ms", TimeUnit::Millisecond),
    ("us", TimeUnit::Microsecond),
    ("ns", TimeUnit::Nanosecond),
];

/// Which rows are not null.
fn valid(row: usize) -> bool {
    row % 7 != 6
}

fn values<T, A: Array + 'static>(
    value: impl Fn(usize) -> Option<T>,
    array: impl Fn(Vec<Option<T>>) -> A,
) -> ArrayRef {
    Arc::new(array((0..LENGTH).map(|row| if valid(row) { value(row) } else { None }).collect()))
}

fn decimals<T: DecimalType>(
    value: impl Fn(usize) -> T::Native,
    precision: u8,
    scale: i8,
) -> PrimitiveArray<T> {
    let values = (0..LENGTH).map(|row| valid(row).then(|| value(row)));
    PrimitiveArray::<T>::from_iter(values)
        .with_precision_and_scale(precision, scale)
        .expect("values of the precision")
}
