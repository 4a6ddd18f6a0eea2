//! The Arrow types that plugins read and write as Rust types.
//!
//! | Rust | Arrow |
//! |---|---|
//! | `bool` | boolean |
//! | `i8` … `i64`, `u8` … `u64`, `f32`, `f64` | the numbers of the same width |
//! | `str` | utf8 |
//! | `[u8]` | binary |
//! | [`Date`] | date32 |
//! | [`Timestamp`] | timestamp(microsecond), of any or no zone |
//! | [`Decimal`] | decimal128, of any precision and scale |
//!
//! Columns of other types can be passed on as they are, and read value by value with
//! [`crate::any::AnyColumn`].

use bytemuck::{Pod, Zeroable};

use crate::bindings::types::{DataType, DecimalType, Node, TimeUnit, TimestampType};
use crate::builder::{BoolBuffer, Builder, ByteBuffer, NativeBuffer};
use crate::column::{BoolView, ByteView, NativeView, StrView, View};

/// Days since 1970-01-01.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Date(pub i32);

/// Microseconds since 1970-01-01T00:00:00, UTC where the column has a zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Timestamp(pub i64);

/// The integer of a decimal: its value times 10 to the power of the column's scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Decimal(pub i128);

/// A Rust type that stands for an Arrow type.
pub trait Type: 'static {
    /// One value.
    type Value<'a>: Copy;
    /// A column of them, borrowed from a batch.
    type View<'a>: View<'a, Value = Self::Value<'a>>;
    /// A column of them, being built.
    type Buffer: Builder;

    /// The type that a new column gets, unless it is declared otherwise.
    fn data_type() -> DataType;

    /// Whether a column of this Arrow type can be read and written as this Rust type.
    fn matches(data_type: &DataType) -> bool {
        same_type(&Self::data_type(), data_type)
    }

    /// The values of a node of a matching type.
    fn view(node: &Node) -> Self::View<'_>;
}

/// A type whose values lie side by side in memory.
pub trait Native: Type<Buffer = NativeBuffer<Self>> + Pod + Default {
    /// All values of a column.
    fn slice<'a>(view: &'a Self::View<'_>) -> &'a [Self];
}

macro_rules! native {
    ($($rust:ty => $arrow:expr, $matches:pat => ();)*) => {$(
        impl Type for $rust {
            type Value<'a> = $rust;
            type View<'a> = NativeView<'a, $rust>;
            type Buffer = NativeBuffer<$rust>;

            fn data_type() -> DataType {
                $arrow
            }

            fn matches(data_type: &DataType) -> bool {
                matches!(data_type, $matches)
            }

            fn view(node: &Node) -> NativeView<'_, $rust> {
                NativeView::new(node)
            }
        }

        impl Native for $rust {
            fn slice<'a>(view: &'a NativeView<'_, $rust>) -> &'a [$rust] {
                view.values()
            }
        }
    )*};
}

native! {
    i8 => DataType::Int8, DataType::Int8 => ();
    i16 => DataType::Int16, DataType::Int16 => ();
    i32 => DataType::Int32, DataType::Int32 => ();
    i64 => DataType::Int64, DataType::Int64 => ();
    u8 => DataType::Uint8, DataType::Uint8 => ();
    u16 => DataType::Uint16, DataType::Uint16 => ();
    u32 => DataType::Uint32, DataType::Uint32 => ();
    u64 => DataType::Uint64, DataType::Uint64 => ();
    f32 => DataType::Float32, DataType::Float32 => ();
    f64 => DataType::Float64, DataType::Float64 => ();
    Date => DataType::Date32, DataType::Date32 => ();
    Timestamp => DataType::Timestamp(TimestampType { unit: TimeUnit::Microsecond, zone: None }),
        DataType::Timestamp(TimestampType { unit: TimeUnit::Microsecond, .. }) => ();
    Decimal => DataType::Decimal128(DecimalType { precision: 38, scale: 10 }), DataType::Decimal128(_) => ();
}

impl Type for bool {
    type Value<'a> = bool;
    type View<'a> = BoolView<'a>;
    type Buffer = BoolBuffer;

    fn data_type() -> DataType {
        DataType::Boolean
    }

    fn view(node: &Node) -> BoolView<'_> {
        BoolView::new(node)
    }
}

impl Type for str {
    type Value<'a> = &'a str;
    type View<'a> = StrView<'a>;
    type Buffer = ByteBuffer;

    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn view(node: &Node) -> StrView<'_> {
        StrView::new(node)
    }
}

impl Type for [u8] {
    type Value<'a> = &'a [u8];
    type View<'a> = ByteView<'a>;
    type Buffer = ByteBuffer;

    fn data_type() -> DataType {
        DataType::Binary
    }

    fn view(node: &Node) -> ByteView<'_> {
        ByteView::new(node)
    }
}

fn same_type(left: &DataType, right: &DataType) -> bool {
    // Only unparametrised types come here: the others have patterns of their own.
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

/// The Arrow name of a type, for messages.
pub fn type_name(data_type: &DataType) -> String {
    fn unit(unit: &TimeUnit) -> &'static str {
        match unit {
            TimeUnit::Second => "second",
            TimeUnit::Millisecond => "millisecond",
            TimeUnit::Microsecond => "microsecond",
            TimeUnit::Nanosecond => "nanosecond",
        }
    }
    let decimal = |bits: u32, decimal: &DecimalType| {
        format!("decimal{bits}({}, {})", decimal.precision, decimal.scale)
    };
    match data_type {
        DataType::Timestamp(timestamp) => match &timestamp.zone {
            Some(zone) => format!("timestamp({}, {zone})", unit(&timestamp.unit)),
            None => format!("timestamp({})", unit(&timestamp.unit)),
        },
        DataType::Time32(time) => format!("time32({})", unit(time)),
        DataType::Time64(time) => format!("time64({})", unit(time)),
        DataType::Duration(duration) => format!("duration({})", unit(duration)),
        DataType::Decimal32(parameters) => decimal(32, parameters),
        DataType::Decimal64(parameters) => decimal(64, parameters),
        DataType::Decimal128(parameters) => decimal(128, parameters),
        DataType::Decimal256(parameters) => decimal(256, parameters),
        other => {
            // `DataType::LargeUtf8` is shown as `large-utf8`.
            let debug = format!("{other:?}");
            let name = debug.rsplit("::").next().unwrap_or(&debug);
            let name = name.split('(').next().unwrap_or(name);
            let mut kebab = String::new();
            for (index, char) in name.chars().enumerate() {
                if char.is_ascii_uppercase() && index > 0 {
                    kebab.push('-');
                }
                kebab.push(char.to_ascii_lowercase());
            }
            kebab
        }
    }
}
