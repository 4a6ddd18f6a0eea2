//! The columns of the input by which the table is searched.

use std::fmt::Write;

use wasmill_plugin_sdk::bindings::types::DataType;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;

/// A column whose values are compared with the texts of the table.
pub enum KeyInput {
    Text(Input<str>),
    /// Values are compared as they are written: 1 is `1`, true is `true`.
    Shown(AnyInput),
}

impl KeyInput {
    /// # Errors
    ///
    /// [`Error::BadSchema`] where values of the column have no one way to be written.
    pub fn new(name: &str, plan: &mut Plan) -> Result<Self> {
        let position = plan.schema().position(name)?;
        match plan.schema().column(position).data_type() {
            DataType::Utf8 => Ok(Self::Text(plan.read(name)?)),
            DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::Uint8
            | DataType::Uint16
            | DataType::Uint32
            | DataType::Uint64 => Ok(Self::Shown(plan.read_any(name)?)),
            other => {
                let message = format!(
                    "is {}; keys are text, whole numbers or booleans: write it as text first, in an SQL step for one",
                    type_name(other)
                );
                Err(Error::bad_column(name, message))
            }
        }
    }

    pub fn read<'b>(&'b self, batch: &'b Batch) -> KeyColumn<'b> {
        match self {
            Self::Text(input) => KeyColumn::Text(batch.column(*input)),
            Self::Shown(input) => KeyColumn::Shown(batch.any_column(input)),
        }
    }
}

pub enum KeyColumn<'b> {
    Text(wasmill_plugin_sdk::column::Column<'b, str>),
    Shown(AnyColumn<'b>),
}

impl KeyColumn<'_> {
    /// The text of a value, which may be written to `scratch`; none where it is null.
    pub fn get<'s>(&'s self, row: usize, scratch: &'s mut String) -> Option<&'s str> {
        match self {
            Self::Text(column) => column.get(row),
            Self::Shown(column) => {
                let value = column.value(row);
                if value.is_null() {
                    return None;
                }
                scratch.clear();
                // A string takes all that is written to it.
                let _ = write!(scratch, "{value}");
                Some(scratch)
            }
        }
    }
}
