//! What a plugin said it will do with a schema, checked against that schema.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use crate::bindings::{transform, types as wit};
use crate::schema::{
    MAX_FIELDS, SchemaBreach, UnsupportedType, crossing_type, one_from_wit, unique_names,
};

pub use wit::Encoding;

/// A binding that does not fit the input schema it was made for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingBreach {
    #[error("it reads, keeps or keys by input column {position}; there are {columns}")]
    NoSuchColumn { position: u32, columns: usize },
    #[error("it reads column `{name}` twice")]
    ReadTwice { name: String },
    #[error(transparent)]
    Unsupported(#[from] UnsupportedType),
    #[error("its output schema: {0}")]
    Schema(#[from] SchemaBreach),
    #[error("its scope is `keyed`, by no column")]
    NoKey,
}

/// How the host may divide a transformer's input among instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Each batch stands alone.
    Rows,
    /// All rows that agree in these input columns meet one instance.
    Keyed(Vec<usize>),
    /// One instance sees all rows.
    Single,
}

/// One output column of a transformer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutputColumn {
    /// The input column at this position, passed on.
    Keep(usize),
    /// Values that the plugin makes.
    New(FieldRef),
}

/// Which columns cross into the plugin, and how.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Positions among the input columns.
    pub positions: Vec<usize>,
    /// The schema of these columns.
    pub schema: SchemaRef,
    /// How they cross.
    pub encoding: Encoding,
}

impl Reading {
    /// Checks which columns of `input` a plugin wants to see.
    pub fn new(reads: &[u32], encoding: Encoding, input: &Schema) -> Result<Self, BindingBreach> {
        let positions = positions(reads, input)?;
        for (index, position) in positions.iter().enumerate() {
            let field = input.field(*position);
            if positions[..index].contains(position) {
                return Err(BindingBreach::ReadTwice { name: field.name().clone() });
            }
            crossing_type(field.data_type())
                .map_err(|data_type| UnsupportedType { column: field.name().clone(), data_type })?;
        }
        let fields: Vec<FieldRef> =
            positions.iter().map(|&position| input.fields()[position].clone()).collect();
        Ok(Self { positions, schema: Arc::new(Schema::new(fields)), encoding })
    }
}

/// What a transformer does with batches of one input schema.
#[derive(Debug, Clone)]
pub struct TransformBinding {
    pub input: SchemaRef,
    pub reading: Reading,
    pub output: Vec<OutputColumn>,
    /// The fields of the columns that the plugin makes, in order.
    pub new_fields: Vec<FieldRef>,
    /// The schema of the output columns.
    pub output_schema: SchemaRef,
    pub scope: Scope,
}

impl TransformBinding {
    /// Checks what a transformer returned from `bind` for `input`.
    pub fn new(binding: transform::Binding, input: SchemaRef) -> Result<Self, BindingBreach> {
        let reading = Reading::new(&binding.reads, binding.encoding, &input)?;
        // The sum is limited too, not only each column with all that is in it.
        let declared = binding.output.iter().map(|column| match column {
            transform::OutputColumn::Keep(_) => 1,
            transform::OutputColumn::New(fields) => fields.len(),
        });
        if declared.sum::<usize>() > MAX_FIELDS.max(input.fields().len()) {
            return Err(SchemaBreach::TooManyFields.into());
        }
        let mut output = Vec::with_capacity(binding.output.len());
        let mut fields: Vec<FieldRef> = Vec::with_capacity(binding.output.len());
        for column in binding.output {
            match column {
                transform::OutputColumn::Keep(kept) => {
                    let position = position(kept.input, &input)?;
                    if kept.name.len() > crate::schema::MAX_NAME_BYTES {
                        return Err(SchemaBreach::NameTooLong { bytes: kept.name.len() }.into());
                    }
                    fields.push(Arc::new(input.field(position).clone().with_name(kept.name)));
                    output.push(OutputColumn::Keep(position));
                }
                transform::OutputColumn::New(declared) => {
                    let field = one_from_wit(declared)?;
                    fields.push(Arc::clone(&field));
                    output.push(OutputColumn::New(field));
                }
            }
        }
        unique_names(&fields)?;
        let scope = match binding.scope {
            transform::Scope::Rows => Scope::Rows,
            transform::Scope::Single => Scope::Single,
            transform::Scope::Keyed(keys) if keys.is_empty() => return Err(BindingBreach::NoKey),
            transform::Scope::Keyed(keys) => Scope::Keyed(positions(&keys, &input)?),
        };
        let new_fields = output
            .iter()
            .filter_map(|column| match column {
                OutputColumn::New(field) => Some(Arc::clone(field)),
                OutputColumn::Keep(_) => None,
            })
            .collect();
        let output_schema = Arc::new(Schema::new_with_metadata(fields, input.metadata().clone()));
        Ok(Self { input, reading, output, new_fields, output_schema, scope })
    }

    /// The first output column that is kept from the input, if any is.
    pub fn first_kept(&self) -> Option<&str> {
        let position =
            self.output.iter().position(|column| matches!(column, OutputColumn::Keep(_)))?;
        Some(self.output_schema.field(position).name())
    }
}

fn position(position: u32, input: &Schema) -> Result<usize, BindingBreach> {
    let columns = input.fields().len();
    match usize::try_from(position) {
        Ok(index) if index < columns => Ok(index),
        _ => Err(BindingBreach::NoSuchColumn { position, columns }),
    }
}

fn positions(requested: &[u32], input: &Schema) -> Result<Vec<usize>, BindingBreach> {
    requested.iter().map(|&requested| position(requested, input)).collect()
}
