//! Transformers.
//!
//! A transformer is a struct that holds what it needs to know, made by [`Transformer::bind`] from its
//! configuration and the input schema, and one method over typed columns, [`Transformer::process`].

use serde::Serialize;

use crate::Config;
use crate::batch::Batch;
use crate::bindings::transform as wit;
use crate::bindings::types::{self, DataType, Encoding, Field, Node};
use crate::bitmap::Bitmap;
use crate::builder::NewColumn;
use crate::error::{Error, Result};
use crate::findings::Findings;
use crate::record::Records;
use crate::schema::{
    AnyInput, Input, Layout, Output, Reads, Schema, ValueInput, ValueOutput, flat_field,
};
use crate::types::Type;
use crate::value::ValueBuilder;

/// A plugin that changes batches. Exported with [`crate::transformer!`].
pub trait Transformer: Sized {
    /// The configuration, made with [`crate::config`].
    type Config: Config;

    /// Finds the columns to read, declares the columns to write, and returns the transformer.
    ///
    /// Called once without any row to check a pipeline, and once for each instance.
    fn bind(config: Self::Config, plan: &mut Plan) -> Result<Self>;

    /// Called once on each instance, before its first batch: the place for what takes long, or has effects.
    fn open(&mut self) -> Result<()> {
        Ok(())
    }

    /// Processes one batch. Without anything set on `out`, all rows go on.
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()>;

    /// Called after the last batch: the place to write what was held back.
    fn finish(&mut self, out: &mut DetachedRows) -> Result<()> {
        let _ = out;
        Ok(())
    }
}

/// What a transformer reads and writes. The output starts as the input: all columns, kept.
pub struct Plan {
    schema: Schema,
    reads: Reads,
    columns: Vec<Planned>,
    /// How many columns were declared so far, those included that were dropped again.
    declared: usize,
    scope: wit::Scope,
    encoding: Encoding,
}

enum Planned {
    Keep { position: usize, name: String },
    New { slot: usize, fields: Vec<Field> },
}

impl Planned {
    fn name(&self) -> &str {
        match self {
            Self::Keep { name, .. } => name,
            Self::New { fields, .. } => &fields[0].name,
        }
    }
}

impl Plan {
    fn new(schema: types::Schema) -> Self {
        let schema = Schema::new(schema);
        let columns = schema
            .columns()
            .iter()
            .enumerate()
            .map(|(position, column)| Planned::Keep { position, name: column.name().to_owned() })
            .collect();
        Self {
            schema,
            reads: Reads::default(),
            columns,
            declared: 0,
            scope: wit::Scope::Rows,
            encoding: Encoding::Columns,
        }
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

    /// Reads a column of any type, nested ones too.
    pub fn read_values(&mut self, name: &str) -> Result<ValueInput> {
        self.reads.values(&self.schema, name)
    }

    /// Batches come as [records](crate::record), with the columns that are read, and new columns are returned as records.
    pub fn as_records(&mut self) {
        self.encoding = Encoding::Json;
    }

    /// Adds a column at the end, or in the place of the output column of that name.
    pub fn write<T: Type + ?Sized>(&mut self, name: &str) -> Output<T> {
        self.write_as(name, T::data_type())
    }

    /// The same, with parameters of the type that `T` leaves open, such as the scale of a decimal.
    ///
    /// # Panics
    ///
    /// When columns of `data_type` are not written as `T`.
    pub fn write_as<T: Type + ?Sized>(&mut self, name: &str, data_type: DataType) -> Output<T> {
        assert!(T::matches(&data_type), "a {data_type:?} is not written as this Rust type");
        Output::new(self.declare(vec![flat_field(name, data_type)]))
    }

    /// Adds a column of any type in the same way: its field, and the descendants of the field in pre-order.
    ///
    /// # Panics
    ///
    /// Without a field.
    pub fn write_values(&mut self, fields: Vec<Field>) -> ValueOutput {
        ValueOutput { slot: self.declare(fields.clone()), fields }
    }

    fn declare(&mut self, fields: Vec<Field>) -> usize {
        let slot = self.declared;
        self.declared += 1;
        let place = self.columns.iter().position(|column| column.name() == fields[0].name);
        let planned = Planned::New { slot, fields };
        match place {
            Some(place) => self.columns[place] = planned,
            None => self.columns.push(planned),
        }
        slot
    }

    /// Leaves a column out of the output.
    pub fn drop(&mut self, name: &str) -> Result<()> {
        let place = self.place(name)?;
        self.columns.remove(place);
        Ok(())
    }

    /// Leaves all columns out of the output, so that only what is written makes it up.
    pub fn drop_all(&mut self) {
        self.columns.clear();
    }

    /// Renames an output column.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let place = self.place(from)?;
        match &mut self.columns[place] {
            Planned::Keep { name, .. } => *name = to.to_owned(),
            Planned::New { fields, .. } => fields[0].name = to.to_owned(),
        }
        Ok(())
    }

    /// All rows that agree in these columns meet one instance, in the order of the input.
    pub fn keyed_by(&mut self, names: &[String]) -> Result<()> {
        let positions = names.iter().map(|name| Ok(self.schema.position(name)? as u32));
        self.scope = wit::Scope::Keyed(positions.collect::<Result<_>>()?);
        Ok(())
    }

    /// One instance sees all rows, in the order of the input.
    pub fn single_instance(&mut self) {
        self.scope = wit::Scope::Single;
    }

    fn place(&self, name: &str) -> Result<usize> {
        self.columns
            .iter()
            .position(|column| column.name() == name)
            .ok_or_else(|| Error::bad_column(name, "there is no such column in the output"))
    }

    /// New columns are returned in the order of the output, which may differ from that of their declaration.
    fn slots(&self) -> Vec<usize> {
        self.columns
            .iter()
            .filter_map(|column| match column {
                Planned::New { slot, .. } => Some(*slot),
                Planned::Keep { .. } => None,
            })
            .collect()
    }

    fn binding(self) -> wit::Binding {
        let output = self.columns.into_iter().map(|column| match column {
            Planned::Keep { position, name } => {
                wit::OutputColumn::Keep(wit::KeptColumn { input: position as u32, name })
            }
            Planned::New { fields, .. } => wit::OutputColumn::New(fields),
        });
        wit::Binding {
            reads: self.reads.positions(),
            encoding: self.encoding,
            output: output.collect(),
            scope: self.scope,
        }
    }
}

/// What becomes of the rows of one batch.
pub struct Rows {
    rows: usize,
    /// None as long as every row is selected.
    selected: Option<Bitmap>,
    /// The input row of each output row, where rows repeat.
    taken: Option<Vec<u32>>,
    columns: Vec<Option<Values>>,
    records: Option<Records>,
    findings: Findings,
}

enum Values {
    Keep(usize),
    /// What was read at a slot: the column itself, with its dictionary, is of another type.
    Read(usize),
    New(Vec<Node>),
}

impl Rows {
    fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            selected: None,
            taken: None,
            columns: std::iter::repeat_with(|| None).take(columns).collect(),
            records: None,
            findings: Findings::default(),
        }
    }

    /// Sets the values of a column: one for each row of the batch, also for rows that do not go on. After
    /// [`Rows::take`], one for each output row.
    pub fn set<T: Type + ?Sized>(&mut self, output: Output<T>, values: NewColumn<T>) {
        self.columns[output.slot] = Some(Values::New(vec![values.into_node()]));
    }

    /// Sets the values of a column of any type, in the same way.
    pub fn set_values(&mut self, output: &ValueOutput, values: ValueBuilder) {
        self.columns[output.slot] = Some(Values::New(values.into_nodes()));
    }

    /// Sets the buffers of a column and of its descendants, as [`Batch::buffers`] gives them.
    ///
    /// # Panics
    ///
    /// Without a node.
    pub fn set_buffers(&mut self, output: &ValueOutput, nodes: Vec<Node>) {
        assert!(!nodes.is_empty(), "a column has a node");
        self.columns[output.slot] = Some(Values::New(nodes));
    }

    /// Sets the values of all new columns: one [record](crate::record) for each output row.
    ///
    /// # Errors
    ///
    /// When a record cannot be written as JSON.
    pub fn set_records<T: Serialize>(&mut self, records: &[T]) -> Result<()> {
        self.records = Some(Records::new(records)?);
        Ok(())
    }

    /// Sets the values of a column to those of an input column of the same type, unchanged. Costs nothing, unless that one
    /// has a dictionary, which the output has not.
    pub fn set_unchanged<T: Type + ?Sized>(&mut self, output: Output<T>, input: Input<T>) {
        self.columns[output.slot] = Some(if input.has_dictionary {
            Values::Read(input.slot)
        } else {
            Values::Keep(input.position)
        });
    }

    /// Lets only those rows go on for which `keep` is true.
    pub fn filter(&mut self, mut keep: impl FnMut(usize) -> bool) {
        self.selected = Some(match self.selected.take() {
            Some(selected) => Bitmap::from_fn(self.rows, |row| selected.get(row) && keep(row)),
            None => Bitmap::from_fn(self.rows, keep),
        });
    }

    /// Drops one row.
    pub fn drop_row(&mut self, row: usize) {
        self.selected.get_or_insert_with(|| Bitmap::all_set(self.rows)).clear(row);
    }

    /// Puts a row into the quarantine. `rule` is a short name to count by, such as `bad-date`.
    pub fn reject(&mut self, row: usize, rule: &str, message: &str) {
        self.findings.add(row, rule, None, message);
        self.drop_row(row);
    }

    /// Puts a row into the quarantine because of one column.
    pub fn reject_column(&mut self, row: usize, column: &str, rule: &str, message: &str) {
        self.findings.add(row, rule, Some(column), message);
        self.drop_row(row);
    }

    /// Makes the output of these rows of the batch, in this order, repeated where they repeat. Rejected
    /// rows must not be among them.
    pub fn take(&mut self, rows: Vec<u32>) {
        self.taken = Some(rows);
    }

    fn into_processed(
        self,
        slots: &[usize],
        batch: &Batch,
        encoding: Encoding,
    ) -> Result<wit::Processed> {
        if encoding == Encoding::Json {
            return self.into_processed_records(slots);
        }
        let expected = self.taken.as_ref().map_or(self.rows, Vec::len);
        let mut columns = self.columns;
        let mut new_columns = Vec::with_capacity(slots.len());
        for &slot in slots {
            new_columns.push(match columns[slot].take() {
                Some(Values::Keep(position)) => wit::NewColumn::Keep(position as u32),
                Some(Values::Read(slot)) => {
                    wit::NewColumn::PerInputRow(vec![batch.node(slot).clone()])
                }
                Some(Values::New(nodes)) if nodes[0].length as usize != expected => {
                    let message =
                        format!("a new column has {} values for {expected} rows", nodes[0].length);
                    return Err(Error::fatal(message));
                }
                Some(Values::New(nodes)) if self.taken.is_some() => {
                    wit::NewColumn::PerOutputRow(nodes)
                }
                Some(Values::New(nodes)) => wit::NewColumn::PerInputRow(nodes),
                None => return Err(Error::fatal("a declared column was not set")),
            });
        }
        let rows = selection(self.taken, self.selected);
        let output = wit::Output { rows, values: wit::NewValues::Columns(new_columns) };
        Ok(wit::Processed { outputs: vec![output], bad_rows: self.findings.into_vec() })
    }

    fn into_processed_records(self, slots: &[usize]) -> Result<wit::Processed> {
        let expected = match (&self.taken, &self.selected) {
            (Some(taken), _) => taken.len(),
            (None, Some(selected)) => selected.count_ones(),
            (None, None) => self.rows,
        };
        let records = match self.records {
            Some(records) => records,
            None if slots.is_empty() => Records::empty(expected),
            None => return Err(Error::fatal("the records were not set")),
        };
        if records.len != expected {
            let message = format!("{} records for {expected} rows", records.len);
            return Err(Error::fatal(message));
        }
        let rows = selection(self.taken, self.selected);
        let output = wit::Output { rows, values: wit::NewValues::Json(records.json) };
        Ok(wit::Processed { outputs: vec![output], bad_rows: self.findings.into_vec() })
    }
}

fn selection(taken: Option<Vec<u32>>, selected: Option<Bitmap>) -> wit::Selection {
    match (taken, selected) {
        (Some(taken), _) => wit::Selection::Indices(taken),
        (None, Some(selected)) if !selected.is_all_set() => {
            wit::Selection::Bitmap(selected.into_bytes())
        }
        (None, _) => wit::Selection::All,
    }
}

/// Rows that belong to no input row: what a transformer writes when it finishes.
pub struct DetachedRows {
    columns: Vec<Option<Vec<Node>>>,
    records: Option<Records>,
}

impl DetachedRows {
    /// Sets the values of a column: as many as every other column gets.
    pub fn set<T: Type + ?Sized>(&mut self, output: Output<T>, values: NewColumn<T>) {
        self.columns[output.slot] = Some(vec![values.into_node()]);
    }

    /// Sets the values of a column of any type, in the same way.
    pub fn set_values(&mut self, output: &ValueOutput, values: ValueBuilder) {
        self.columns[output.slot] = Some(values.into_nodes());
    }

    /// Sets the values of all columns: one [record](crate::record) for each row.
    ///
    /// # Errors
    ///
    /// When a record cannot be written as JSON.
    pub fn set_records<T: Serialize>(&mut self, records: &[T]) -> Result<()> {
        self.records = Some(Records::new(records)?);
        Ok(())
    }

    fn into_outputs(mut self, slots: &[usize]) -> Result<Vec<wit::Output>> {
        if let Some(records) = self.records {
            let rows = wit::Selection::Detached(records.len as u32);
            return Ok(vec![wit::Output { rows, values: wit::NewValues::Json(records.json) }]);
        }
        if self.columns.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        let mut rows = None;
        let mut columns = Vec::with_capacity(slots.len());
        for &slot in slots {
            let nodes = self.columns[slot]
                .take()
                .ok_or_else(|| Error::fatal("a declared column was not set in `finish`"))?;
            if *rows.get_or_insert(nodes[0].length) != nodes[0].length {
                return Err(Error::fatal("the columns set in `finish` differ in length"));
            }
            columns.push(wit::NewColumn::PerOutputRow(nodes));
        }
        let rows = wit::Selection::Detached(rows.unwrap_or(0));
        Ok(vec![wit::Output { rows, values: wit::NewValues::Columns(columns) }])
    }
}

/// A transformer with what its plan said, between `open` and `finish`.
#[doc(hidden)]
pub struct Opened<T> {
    transformer: T,
    layout: Layout,
    declared: usize,
    slots: Vec<usize>,
    encoding: Encoding,
}

#[doc(hidden)]
pub fn bind<T: Transformer>(config: &str, input: types::Schema) -> Result<wit::Binding> {
    let mut plan = Plan::new(input);
    T::bind(crate::parse_config(config)?, &mut plan)?;
    Ok(plan.binding())
}

#[doc(hidden)]
pub fn open<T: Transformer>(config: &str, input: types::Schema) -> Result<Opened<T>> {
    let mut plan = Plan::new(input);
    let mut transformer = T::bind(crate::parse_config(config)?, &mut plan)?;
    transformer.open()?;
    let (slots, encoding) = (plan.slots(), plan.encoding);
    Ok(Opened {
        transformer,
        layout: plan.reads.layout(),
        declared: plan.declared,
        slots,
        encoding,
    })
}

impl<T: Transformer> Opened<T> {
    #[doc(hidden)]
    pub fn process(&mut self, batch: types::Batch) -> Result<wit::Processed> {
        let batch = Batch::new(batch, &self.layout)?;
        let mut rows = Rows::new(batch.rows(), self.declared);
        self.transformer.process(&batch, &mut rows)?;
        rows.into_processed(&self.slots, &batch, self.encoding)
    }

    #[doc(hidden)]
    pub fn finish(&mut self) -> Result<Vec<wit::Output>> {
        let columns = std::iter::repeat_with(|| None).take(self.declared).collect();
        let mut rows = DetachedRows { columns, records: None };
        self.transformer.finish(&mut rows)?;
        rows.into_outputs(&self.slots)
    }
}

/// Makes the component a transformer: `wasmill_plugin_sdk::transformer!(MyTransformer);`
#[macro_export]
macro_rules! transformer {
    ($transformer:ty) => {
        const _: () = {
            use $crate::bindings::{transform, types};

            struct Component;

            ::std::thread_local! {
                static OPENED: ::std::cell::RefCell<Option<$crate::transformer::Opened<$transformer>>> =
                    const { ::std::cell::RefCell::new(None) };
            }

            fn with_opened<R>(
                f: impl FnOnce(&mut $crate::transformer::Opened<$transformer>) -> $crate::Result<R>,
            ) -> ::std::result::Result<R, types::Failure> {
                OPENED.with_borrow_mut(|opened| match opened {
                    Some(opened) => Ok(f(opened)?),
                    None => Err($crate::Error::fatal("called before `open`").into()),
                })
            }

            impl transform::Guest for Component {
                fn describe() -> types::Descriptor {
                    $crate::__describe!(<$transformer as $crate::Transformer>::Config)
                }

                fn bind(
                    config: String,
                    input: types::Schema,
                ) -> ::std::result::Result<transform::Binding, types::Failure> {
                    Ok($crate::transformer::bind::<$transformer>(&config, input)?)
                }

                fn open(
                    config: String,
                    input: types::Schema,
                ) -> ::std::result::Result<(), types::Failure> {
                    $crate::start_logging();
                    OPENED.set(Some($crate::transformer::open(&config, input)?));
                    Ok(())
                }

                fn process(
                    batch: types::Batch,
                ) -> ::std::result::Result<transform::Processed, types::Failure> {
                    with_opened(|opened| opened.process(batch))
                }

                fn finish() -> ::std::result::Result<Vec<transform::Output>, types::Failure> {
                    with_opened(|opened| opened.finish())
                }
            }

            $crate::bindings::transformer::export_transformer!(
                Component with_types_in $crate::bindings::transformer
            );
        };
    };
}
