//! The columns that rules look at: each is found once when the plugin is bound, and read once per batch.
//!
//! The Arrow types are brought into few forms, in which every rule has one loop. A column of which rules
//! want to know the nulls only is not read further.

use wasmill_plugin_sdk::Result;
use wasmill_plugin_sdk::bindings::types::{DataType, TimeUnit, TimestampType};
use wasmill_plugin_sdk::bitmap::Bitmap;
use wasmill_plugin_sdk::column::Column;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::{Native, Type, type_name};

use crate::kind::{Form, Kind};

/// The columns that rules look at.
#[derive(Default)]
pub struct Columns {
    columns: Vec<BoundColumn>,
}

/// A column of the input.
pub struct BoundColumn {
    pub name: String,
    pub kind: Kind,
    /// The Arrow type, for messages.
    pub type_name: String,
    pub form: Form,
    any: AnyInput,
    /// None as long as rules want to know the nulls only.
    values: Option<Source>,
}

/// How the values of a column are read.
enum Source {
    Bool(Input<bool>),
    I32(Input<i32>),
    I64(Input<i64>),
    F32(Input<f32>),
    F64(Input<f64>),
    Date(Input<Date>),
    Timestamp(Input<Timestamp>),
    Decimal(Input<Decimal>),
    Str(Input<str>),
    Bytes(Input<[u8]>),
    /// The rarer types, value by value.
    Any,
}

/// One column of one batch.
pub struct ColumnValues<'a> {
    /// 1 where the value is not null; none where no value is.
    pub valid: Option<Bitmap>,
    pub values: Values<'a>,
}

/// Values in order; arbitrary where they are null.
pub enum Values<'a> {
    /// The column has none, or no rule looks at them.
    Nothing,
    Ints(Vec<i64>),
    WideInts(Vec<i128>),
    Floats(Vec<f64>),
    Text(Vec<&'a str>),
    Bytes(Vec<&'a [u8]>),
}

impl Columns {
    /// The place of a column of which the nulls are read.
    pub fn nulls(&mut self, plan: &mut ReadPlan, name: &str) -> Result<usize> {
        if let Some(place) = self.columns.iter().position(|column| column.name == name) {
            return Ok(place);
        }
        let any = plan.read_any(name)?;
        let kind = Kind::of(any.data_type());
        self.columns.push(BoundColumn {
            name: name.to_owned(),
            kind,
            type_name: type_name(any.data_type()),
            form: kind.form(any.data_type()),
            any,
            values: None,
        });
        Ok(self.columns.len() - 1)
    }

    /// The place of a column of which the values are read too.
    pub fn values(&mut self, plan: &mut ReadPlan, name: &str) -> Result<usize> {
        let place = self.nulls(plan, name)?;
        let column = &mut self.columns[place];
        if column.values.is_none() {
            column.values = Some(Source::new(plan, name, column.any.data_type())?);
        }
        Ok(place)
    }

    pub fn get(&self, place: usize) -> &BoundColumn {
        &self.columns[place]
    }

    /// All columns of a batch, by place.
    pub fn read<'a>(&'a self, batch: &'a Batch) -> Vec<ColumnValues<'a>> {
        self.columns.iter().map(|column| column.read(batch)).collect()
    }
}

impl Source {
    fn new(plan: &mut ReadPlan, name: &str, data_type: &DataType) -> Result<Self> {
        Ok(match data_type {
            DataType::Boolean => Self::Bool(plan.read(name)?),
            DataType::Int32 => Self::I32(plan.read(name)?),
            DataType::Int64 => Self::I64(plan.read(name)?),
            DataType::Float32 => Self::F32(plan.read(name)?),
            DataType::Float64 => Self::F64(plan.read(name)?),
            DataType::Date32 => Self::Date(plan.read(name)?),
            DataType::Timestamp(TimestampType { unit: TimeUnit::Microsecond, .. }) => {
                Self::Timestamp(plan.read(name)?)
            }
            DataType::Decimal128(_) => Self::Decimal(plan.read(name)?),
            DataType::Utf8 => Self::Str(plan.read(name)?),
            DataType::Binary => Self::Bytes(plan.read(name)?),
            _ => Self::Any,
        })
    }
}

impl BoundColumn {
    /// How messages name the column.
    pub fn described(&self) -> String {
        format!("column `{}` is {}", self.name, self.type_name)
    }

    fn read<'a>(&'a self, batch: &'a Batch) -> ColumnValues<'a> {
        match self.values {
            None => self.read_any(batch, Form::Nothing),
            Some(Source::Any) => self.read_any(batch, self.form),
            Some(Source::Bool(input)) => {
                let column = batch.column(input);
                let ints = (0..column.len()).map(|row| i64::from(column.value(row))).collect();
                ColumnValues { valid: valid(&column), values: Values::Ints(ints) }
            }
            Some(Source::I32(input)) => natives(batch, input, Values::Ints, i64::from),
            Some(Source::I64(input)) => natives(batch, input, Values::Ints, |value| value),
            Some(Source::F32(input)) => natives(batch, input, Values::Floats, f64::from),
            Some(Source::F64(input)) => natives(batch, input, Values::Floats, |value| value),
            Some(Source::Date(input)) => {
                natives(batch, input, Values::Ints, |Date(days)| days.into())
            }
            Some(Source::Timestamp(input)) => {
                natives(batch, input, Values::Ints, |Timestamp(micros)| micros)
            }
            Some(Source::Decimal(input)) => {
                natives(batch, input, Values::WideInts, |Decimal(integer)| integer)
            }
            Some(Source::Str(input)) => {
                let column = batch.column(input);
                let values = (0..column.len()).map(|row| column.value(row)).collect();
                ColumnValues { valid: valid(&column), values: Values::Text(values) }
            }
            Some(Source::Bytes(input)) => {
                let column = batch.column(input);
                let values = (0..column.len()).map(|row| column.value(row)).collect();
                ColumnValues { valid: valid(&column), values: Values::Bytes(values) }
            }
        }
    }

    fn read_any<'a>(&'a self, batch: &'a Batch, form: Form) -> ColumnValues<'a> {
        let column = batch.any_column(&self.any);
        let valid = Bitmap::from_fn(column.len(), |row| !column.is_null(row));
        let scalars = (0..column.len()).map(|row| column.value(row));
        let integer = |scalar| match scalar {
            Scalar::Int(value) | Scalar::Decimal(value, _) => value,
            _ => 0,
        };
        let values = match form {
            Form::Nothing => Values::Nothing,
            Form::Ints => {
                // Only types of at most 64 bits are held so.
                Values::Ints(scalars.map(|scalar| integer(scalar) as i64).collect())
            }
            Form::WideInts => Values::WideInts(scalars.map(integer).collect()),
            Form::Floats => {
                Values::Floats(scalars.map(|scalar| scalar.as_f64().unwrap_or(0.0)).collect())
            }
            Form::Text => Values::Text(
                scalars
                    .map(|scalar| if let Scalar::Str(text) = scalar { text } else { "" })
                    .collect(),
            ),
            Form::Bytes => Values::Bytes(
                scalars
                    .map(|scalar| if let Scalar::Bytes(bytes) = scalar { bytes } else { &[] })
                    .collect(),
            ),
        };
        ColumnValues { valid: (!valid.is_all_set()).then_some(valid), values }
    }
}

/// The nulls of a column.
fn valid<T: Type + ?Sized>(column: &Column<T>) -> Option<Bitmap> {
    column.has_nulls().then(|| Bitmap::from_fn(column.len(), |row| !column.is_null(row)))
}

fn natives<'a, T: Native, U>(
    batch: &'a Batch,
    input: Input<T>,
    values: impl Fn(Vec<U>) -> Values<'a>,
    widen: impl Fn(T) -> U,
) -> ColumnValues<'a> {
    let column = batch.column(input);
    let widened = column.values().iter().map(|&value| widen(value)).collect();
    ColumnValues { valid: valid(&column), values: values(widened) }
}

impl ColumnValues<'_> {
    pub fn is_null(&self, row: usize) -> bool {
        self.valid.as_ref().is_some_and(|valid| !valid.get(row))
    }
}
