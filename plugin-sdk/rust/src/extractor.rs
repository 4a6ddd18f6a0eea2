//! Extractors.
//!
//! An extractor declares its columns, divides the work into splits, and returns the rows of one split batch
//! by batch.

use serde::Serialize;

use crate::Config;
use crate::bindings::extract as wit;
use crate::bindings::types::{self, DataType, Encoding, Field, Node, Payload};
use crate::builder::NewColumn;
use crate::error::{Error, Result};
use crate::record::Records;
use crate::schema::{Output, ValueOutput, flat_field};
use crate::types::Type;
use crate::value::ValueBuilder;

pub use wit::{CursorPosition, Split};

/// A plugin that reads from somewhere. Exported with [`crate::extractor!`].
pub trait Extractor: Sized {
    /// The configuration, made with [`crate::config`].
    type Config: Config;

    /// Declares the columns and returns the extractor.
    fn bind(config: Self::Config, plan: &mut WritePlan) -> Result<Self>;

    /// Divides the work. `cursors` are those of the last committed run.
    fn plan(&mut self, cursors: &[CursorPosition]) -> Result<Vec<Split>>;

    /// Prepares to read one split.
    fn open(&mut self, split: &Split) -> Result<()>;

    /// Sets the next rows on `out`, at most `max_rows`. False at the end of the split.
    fn next(&mut self, max_rows: usize, out: &mut Extracted) -> Result<bool>;

    /// Where the next run should go on, once the split is read to its end.
    fn cursor(&mut self) -> Result<Option<String>> {
        Ok(None)
    }
}

/// The columns that an extractor writes.
pub struct WritePlan {
    fields: Vec<Field>,
    columns: usize,
    encoding: Encoding,
}

impl Default for WritePlan {
    fn default() -> Self {
        Self { fields: Vec::new(), columns: 0, encoding: Encoding::Columns }
    }
}

impl WritePlan {
    /// Adds a column that may hold nulls.
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

    /// Adds a column that holds no nulls.
    pub fn write_required<T: Type + ?Sized>(&mut self, name: &str) -> Output<T> {
        let field = Field { nullable: false, ..flat_field(name, T::data_type()) };
        Output::new(self.declare(vec![field]))
    }

    /// Adds a column of any type: its field, and the descendants of the field in pre-order.
    pub fn write_values(&mut self, fields: Vec<Field>) -> ValueOutput {
        ValueOutput { slot: self.declare(fields.clone()), fields }
    }

    /// Batches are returned as [records](crate::record).
    pub fn as_records(&mut self) {
        self.encoding = Encoding::Json;
    }

    fn declare(&mut self, fields: Vec<Field>) -> usize {
        self.fields.extend(fields);
        self.columns += 1;
        self.columns - 1
    }
}

/// The next rows of a split.
pub struct Extracted {
    columns: Vec<Option<Vec<Node>>>,
    records: Option<Records>,
    bad_records: Vec<wit::BadRecord>,
}

impl Extracted {
    /// Sets the values of a column: as many as every other column gets.
    pub fn set<T: Type + ?Sized>(&mut self, output: Output<T>, values: NewColumn<T>) {
        self.columns[output.slot] = Some(vec![values.into_node()]);
    }

    /// Sets the values of a column of any type, in the same way.
    pub fn set_values(&mut self, output: &ValueOutput, values: ValueBuilder) {
        self.columns[output.slot] = Some(values.into_nodes());
    }

    /// Sets all rows: one [record](crate::record) for each.
    ///
    /// # Errors
    ///
    /// When a record cannot be written as JSON.
    pub fn set_records<T: Serialize>(&mut self, records: &[T]) -> Result<()> {
        self.records = Some(Records::new(records)?);
        Ok(())
    }

    /// Puts a record that could not be made into a row into the quarantine.
    pub fn reject(&mut self, position: &str, raw: &[u8], rule: &str, message: &str) {
        self.bad_records.push(wit::BadRecord {
            position: position.to_owned(),
            raw: raw.to_vec(),
            rule: rule.to_owned(),
            message: message.to_owned(),
        });
    }

    fn into_extracted(self) -> Result<wit::Extracted> {
        if let Some(records) = self.records {
            let (rows, values) = (records.len as u32, Payload::Json(records.json));
            return Ok(wit::Extracted { rows, values, bad_records: self.bad_records });
        }
        let mut rows = None;
        let mut nodes = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let column = column.ok_or_else(|| Error::fatal("a declared column was not set"))?;
            if *rows.get_or_insert(column[0].length) != column[0].length {
                return Err(Error::fatal("the columns of a batch differ in length"));
            }
            nodes.extend(column);
        }
        let (rows, values) = (rows.unwrap_or(0), Payload::Columns(nodes));
        Ok(wit::Extracted { rows, values, bad_records: self.bad_records })
    }
}

/// An extractor between `open` and its end.
#[doc(hidden)]
pub struct Opened<E> {
    extractor: E,
    columns: usize,
}

#[doc(hidden)]
pub fn bind<E: Extractor>(config: &str) -> Result<wit::Binding> {
    let mut plan = WritePlan::default();
    E::bind(crate::parse_config(config)?, &mut plan)?;
    Ok(wit::Binding { output: types::Schema { fields: plan.fields }, encoding: plan.encoding })
}

#[doc(hidden)]
pub fn plan<E: Extractor>(config: &str, cursors: &[CursorPosition]) -> Result<Vec<Split>> {
    let mut plan = WritePlan::default();
    E::bind(crate::parse_config(config)?, &mut plan)?.plan(cursors)
}

#[doc(hidden)]
pub fn open<E: Extractor>(config: &str, split: &Split) -> Result<Opened<E>> {
    let mut plan = WritePlan::default();
    let mut extractor = E::bind(crate::parse_config(config)?, &mut plan)?;
    extractor.open(split)?;
    Ok(Opened { extractor, columns: plan.columns })
}

impl<E: Extractor> Opened<E> {
    #[doc(hidden)]
    pub fn next(&mut self, max_rows: u32) -> Result<Option<wit::Extracted>> {
        let columns = std::iter::repeat_with(|| None).take(self.columns).collect();
        let mut extracted = Extracted { columns, records: None, bad_records: Vec::new() };
        if !self.extractor.next(max_rows as usize, &mut extracted)? {
            return Ok(None);
        }
        extracted.into_extracted().map(Some)
    }

    #[doc(hidden)]
    pub fn cursor(&mut self) -> Result<Option<String>> {
        self.extractor.cursor()
    }
}

/// Makes the component an extractor: `wasmill_plugin_sdk::extractor!(MyExtractor);`
#[macro_export]
macro_rules! extractor {
    ($extractor:ty) => {
        const _: () = {
            use $crate::bindings::{extract, types};

            struct Component;

            ::std::thread_local! {
                static OPENED: ::std::cell::RefCell<Option<$crate::extractor::Opened<$extractor>>> =
                    const { ::std::cell::RefCell::new(None) };
            }

            fn with_opened<R>(
                f: impl FnOnce(&mut $crate::extractor::Opened<$extractor>) -> $crate::Result<R>,
            ) -> ::std::result::Result<R, types::Failure> {
                OPENED.with_borrow_mut(|opened| match opened {
                    Some(opened) => Ok(f(opened)?),
                    None => Err($crate::Error::fatal("called before `open`").into()),
                })
            }

            impl extract::Guest for Component {
                fn describe() -> types::Descriptor {
                    $crate::__describe!(<$extractor as $crate::Extractor>::Config)
                }

                fn bind(config: String) -> ::std::result::Result<extract::Binding, types::Failure> {
                    Ok($crate::extractor::bind::<$extractor>(&config)?)
                }

                fn plan(
                    config: String,
                    cursors: Vec<extract::CursorPosition>,
                ) -> ::std::result::Result<Vec<extract::Split>, types::Failure> {
                    $crate::start_logging();
                    Ok($crate::extractor::plan::<$extractor>(&config, &cursors)?)
                }

                fn open(
                    config: String,
                    split: extract::Split,
                ) -> ::std::result::Result<(), types::Failure> {
                    $crate::start_logging();
                    OPENED.set(Some($crate::extractor::open(&config, &split)?));
                    Ok(())
                }

                fn next(
                    max_rows: u32,
                ) -> ::std::result::Result<Option<extract::Extracted>, types::Failure> {
                    with_opened(|opened| opened.next(max_rows))
                }

                fn cursor() -> ::std::result::Result<Option<String>, types::Failure> {
                    with_opened(|opened| opened.cursor())
                }
            }

            $crate::bindings::extractor::export_extractor!(
                Component with_types_in $crate::bindings::extractor
            );
        };
    };
}
