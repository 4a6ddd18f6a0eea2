//! The schema of a plugin's input, and how a plugin picks what it reads.

use std::marker::PhantomData;

use crate::any::AnyColumn;
use crate::bindings::types::{self as wit, DataType, Encoding, Field, IndexType};
use crate::dictionary::Dictionary;
use crate::error::{Error, Result};
use crate::types::{Type, type_name};

/// The input columns, in order.
#[derive(Debug, Clone)]
pub struct Schema {
    columns: Vec<ColumnSchema>,
}

/// One input column.
#[derive(Debug, Clone)]
pub struct ColumnSchema {
    /// The field, then its descendants in pre-order.
    fields: Vec<Field>,
}

impl ColumnSchema {
    pub fn name(&self) -> &str {
        &self.fields[0].name
    }

    /// The type of the values. Where they are in a dictionary, that is not for a plugin to know.
    pub fn data_type(&self) -> &DataType {
        match self.dictionary_keys() {
            Some(_) => &self.fields[1].data_type,
            None => &self.fields[0].data_type,
        }
    }

    /// The type of the keys, of a column with a dictionary.
    fn dictionary_keys(&self) -> Option<IndexType> {
        match self.fields[..] {
            [Field { data_type: DataType::Dictionary(keys), .. }, _, ..] => Some(keys),
            _ => None,
        }
    }

    pub fn is_nullable(&self) -> bool {
        self.fields[0].nullable
    }

    /// The field and its descendants, as they cross.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }
}

impl Schema {
    pub(crate) fn new(schema: wit::Schema) -> Self {
        let mut columns = Vec::new();
        let mut fields = schema.fields.into_iter();
        while let Some(field) = fields.next() {
            let mut column = vec![field];
            // Each field announces its children, so the descendants end where none is outstanding.
            let mut outstanding = column[0].children;
            while outstanding > 0 {
                let Some(descendant) = fields.next() else { break };
                outstanding += descendant.children;
                outstanding -= 1;
                column.push(descendant);
            }
            columns.push(ColumnSchema { fields: column });
        }
        Self { columns }
    }

    pub fn columns(&self) -> &[ColumnSchema] {
        &self.columns
    }

    /// The position of a column.
    ///
    /// # Errors
    ///
    /// [`Error::BadSchema`] where there is no column of that name, with the names that there are.
    pub fn position(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name() == name).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(ColumnSchema::name).collect();
            Error::bad_column(
                name,
                format!("there is no such column; there are {}", names.join(", ")),
            )
        })
    }

    /// The column at `position`.
    pub fn column(&self, position: usize) -> &ColumnSchema {
        &self.columns[position]
    }
}

/// A column that a plugin reads, found when it is bound.
pub struct Input<T: ?Sized> {
    /// Position among the columns that are read.
    pub(crate) slot: usize,
    /// Position among the input columns.
    pub(crate) position: usize,
    /// Whether the column has a dictionary, so that what is read of it is not what there is.
    pub(crate) has_dictionary: bool,
    value: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Clone for Input<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Input<T> {}

/// A column of any flat type that a plugin reads, found when it is bound.
#[derive(Debug, Clone)]
pub struct AnyInput {
    pub(crate) slot: usize,
    pub(crate) data_type: DataType,
}

impl AnyInput {
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }
}

/// A column of any type, nested ones too, that a plugin reads, found when it is bound.
#[derive(Debug, Clone)]
pub struct ValueInput {
    pub(crate) slot: usize,
    pub(crate) fields: Vec<Field>,
}

impl ValueInput {
    /// The field and its descendants.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }
}

/// A column of any type, nested ones too, that a plugin writes, declared when it is bound.
#[derive(Debug, Clone)]
pub struct ValueOutput {
    pub(crate) slot: usize,
    pub(crate) fields: Vec<Field>,
}

impl ValueOutput {
    /// Takes the values of the column.
    ///
    /// # Errors
    ///
    /// When the fields of the column are not those of one column.
    pub fn builder(&self) -> Result<crate::value::ValueBuilder> {
        crate::value::ValueBuilder::new(&self.fields)
    }
}

/// A column that a plugin writes, declared when it is bound.
pub struct Output<T: ?Sized> {
    /// Position among the new columns.
    pub(crate) slot: usize,
    value: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Clone for Output<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Output<T> {}

impl<T: ?Sized> Output<T> {
    pub(crate) fn new(slot: usize) -> Self {
        Self { slot, value: PhantomData }
    }
}

/// A nullable field without children.
pub(crate) fn flat_field(name: &str, data_type: DataType) -> Field {
    Field { name: name.to_owned(), data_type, nullable: true, children: 0, metadata: Vec::new() }
}

/// What a validator or a loader reads.
pub struct ReadPlan {
    schema: Schema,
    pub(crate) reads: Reads,
    pub(crate) encoding: Encoding,
}

impl ReadPlan {
    pub(crate) fn new(schema: wit::Schema) -> Self {
        Self { schema: Schema::new(schema), reads: Reads::default(), encoding: Encoding::Columns }
    }

    /// The input columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Reads a column, which must be of the type `T`.
    pub fn read<T: Type + ?Sized>(&mut self, name: &str) -> Result<Input<T>> {
        self.reads.typed(&self.schema, name)
    }

    /// Reads a column of any flat type.
    pub fn read_any(&mut self, name: &str) -> Result<AnyInput> {
        self.reads.any(&self.schema, name)
    }

    /// Reads a column of any type.
    pub fn read_values(&mut self, name: &str) -> Result<ValueInput> {
        self.reads.values(&self.schema, name)
    }

    /// Batches come as records: see [`crate::record`]. They have the columns that are read.
    pub fn as_records(&mut self) {
        self.encoding = Encoding::Json;
    }
}

/// Which columns a plugin reads. A column that is asked for twice is read once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads {
    columns: Vec<ReadColumn>,
}

#[derive(Debug, Clone)]
struct ReadColumn {
    position: usize,
    /// How many nodes it has.
    node_count: usize,
    dictionary: Option<Dictionary>,
    /// Whether it is read as what a dictionary stands for.
    is_plain: bool,
}

/// Where the columns that a plugin reads are among the nodes of a batch, one after another.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// The first node of each, and the end of the last one's.
    pub(crate) first_nodes: Vec<usize>,
    /// The first nodes of those that have dictionaries.
    pub(crate) dictionaries: Vec<(usize, Dictionary)>,
}

impl Reads {
    fn slot(&mut self, schema: &Schema, position: usize) -> usize {
        if let Some(slot) = self.columns.iter().position(|read| read.position == position) {
            return slot;
        }
        let column = schema.column(position);
        let values = column.data_type().clone();
        self.columns.push(ReadColumn {
            position,
            node_count: column.fields().len(),
            dictionary: column.dictionary_keys().map(|keys| Dictionary { keys, values }),
            is_plain: false,
        });
        self.columns.len() - 1
    }

    fn plain_slot(&mut self, schema: &Schema, position: usize) -> usize {
        let slot = self.slot(schema, position);
        self.columns[slot].is_plain = true;
        slot
    }

    pub(crate) fn typed<T: Type + ?Sized>(
        &mut self,
        schema: &Schema,
        name: &str,
    ) -> Result<Input<T>> {
        let position = schema.position(name)?;
        let actual = schema.column(position).data_type();
        if !T::matches(actual) {
            let message =
                format!("is {}, but {} is needed", type_name(actual), type_name(&T::data_type()));
            return Err(Error::bad_column(name, message));
        }
        let slot = self.plain_slot(schema, position);
        let has_dictionary = self.columns[slot].dictionary.is_some();
        Ok(Input { slot, position, has_dictionary, value: PhantomData })
    }

    pub(crate) fn any(&mut self, schema: &Schema, name: &str) -> Result<AnyInput> {
        let position = schema.position(name)?;
        let data_type = schema.column(position).data_type().clone();
        if !AnyColumn::can_read(&data_type) {
            let message = format!("is {}, which this plugin cannot read", type_name(&data_type));
            return Err(Error::bad_column(name, message));
        }
        Ok(AnyInput { slot: self.plain_slot(schema, position), data_type })
    }

    pub(crate) fn values(&mut self, schema: &Schema, name: &str) -> Result<ValueInput> {
        let position = schema.position(name)?;
        let fields = schema.column(position).fields().to_vec();
        Ok(ValueInput { slot: self.slot(schema, position), fields })
    }

    pub(crate) fn positions(&self) -> Vec<u32> {
        self.columns.iter().map(|column| column.position as u32).collect()
    }

    pub(crate) fn layout(self) -> Layout {
        let mut layout = Layout::default();
        let mut next = 0;
        for column in self.columns {
            layout.first_nodes.push(next);
            let dictionary = column.dictionary.filter(|_| column.is_plain);
            layout.dictionaries.extend(dictionary.map(|dictionary| (next, dictionary)));
            next += column.node_count;
        }
        layout.first_nodes.push(next);
        layout
    }
}
